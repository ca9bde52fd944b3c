"""A checkpoint's doctor: what it is, what it needs, and what is wrong with it.

It says as much as it can about a checkpoint that minner cannot run, and runs no kernel.

    findings  collects errors and warnings, each once
    examine   the visit: every part below, in order
    model     architecture and sizes
    labels    tag scheme and entity types
    case      cased or uncased, and who says so
    tensors   what the weight files hold, and what is odd about it
    cost      parameters, bytes and FLOPs
    text      the table for people
"""
