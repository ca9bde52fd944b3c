"""The subcommands of `minner`: each module adds its options to the parser, and runs."""
