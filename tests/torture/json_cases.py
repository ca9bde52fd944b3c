"""JSON at its edges: what a parser must take, what it must not, and what is left open.

After the classes of cases that N. Seriot's "Parsing JSON is a minefield" (2016) tells apart.
"""

VALID = (
    *(b"{}", b"[]", b"0", b"-0", b"1e5", b"1E+5", b"-1.5e-5", b'""', b"true", b"false", b"null"),
    *(b' \t\r\n{ "a" : [ 1 , 2 ] } \n', b'{"":0}', b'{"a":{"a":{"a":[]}}}', b'{"a":1e-400}'),
    *(rb'"\" \\ \/ \b \f \n \r \t"', rb'"\u0000\u001f\u00e9\uffff"', rb'"\ud83d\ude00"'),
    *('"é 中 \U0001f600 \u2028\u2029\x7f"'.encode(), '{"é":"\ufeff"}'.encode(), b'{"a":1E22}'),
)

INVALID = (
    *(
        b"",
        b" ",
        b"{",
        b"}",
        b"[",
        b"]",
        b"[1,]",
        b"[,1]",
        b"[1 2]",
        b'{"a"}',
        b'{"a":}',
        b'{"a":1,}',
    ),
    *(
        b"{a:1}",
        b"{'a':1}",
        b'{"a" 1}',
        b'{"a":1 "b":2}',
        b"[1]]",
        b"{}{}",
        b"[1]x",
        b"nul",
        b"True",
    ),
    *(
        b"01",
        b"-",
        b"+1",
        b".5",
        b"1.",
        b"1e",
        b"1e+",
        b"0x1",
        b"1_0",
        b"--1",
        b"1.2.3",
        b"Infinity1",
    ),
    *(
        b'"',
        b'"\\"',
        rb'"\x"',
        rb'"\u12"',
        rb'"\u12g4"',
        b'"\n"',
        b'"\t"',
        b'"\0"',
        b"'a'",
        b"\\",
        b"\0",
    ),
    *(
        b"/**/{}",
        b"//\n{}",
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\0}\0",
        b'"\xc3"',
        b'"\xed\xa0\x80"',
        b'"\xff"',
    ),
    *(
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 999 + b"]" * 998,
        b"\xf4\x90\x80\x80",
        b'"\xc0\xaf"',
    ),
)

OPEN = (
    *(b'{"a":1,"a":2}', b'{"a":NaN}', b"[Infinity,-Infinity]", b'{"a":1e999}', b"1" + b"0" * 5000),
    *(
        rb'"\ud800"',
        rb'"\udc00\ud800"',
        rb'{"\ud800":1}',
        rb'"\ud800\u0041"',
        b'{"a":123456789012345678901234}',
    ),
    *(
        b"[" * 500 + b"]" * 500,
        b'{"__proto__":{}}',
        b'{"a":0.1e-9999999999}',
        b"-9223372036854775809",
    ),
)
