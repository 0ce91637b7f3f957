"""Rows that are hard to carry, and their comparison: as ordered pairs with numbers as source text.

A number that a double holds exactly as written (1.50, 1E5) may be spelt in another way; every other keeps its text.
"""

import decimal
import json

# Raw lines: what they hold must come back.
HOSTILE = [
    r'{"id":0,"largest":9223372036854775807,"smallest":-9223372036854775808,"beyond a double":9007199254740993}',
    r'{"id":1,"twenty digits":12345678901234567890,"more":-98765432109876543210,"just over":9223372036854775808}',
    r'{"id":2,"huge":1e400,"tiny":1e-400,"negative":-1E+400}',
    r'{"id":3,"sum":0.30000000000000004,"third":0.1,"pi":3.14159265358979323846264338327950288}',
    r'{"id":4,"array":[],"object":{},"null":null,"nested":[[],{},null,[[]],[{}]]}',
    r'{"z":1,"a":2,"M":3,"id":5,"10":4,"9":5,"é":6,"":7," ":8}',
    r'{"id":6,"nulls":[null,null],"holes":[1,null,3],"last":[1,null],"only":[null]}',
    r'{"id":7,"escapes":"\"\\\/\b\f\n\r\t","hex":"\u0000\u001f\u007f\u0080\u2028\u2029\ufeff\uffff"}',
    r'{"id":8,"pair":"\ud83d\ude00","raw":"😀","combining":"é é","rtl":"\u202eabc"}',
    r'{"id":9,"high":"\ud800","low":"\udfff","swapped":"\ude00\ud83d","inside":"a\ud800b","key \udc00":1}',
    r'{"id":10,"high then pair":"\ud800\ud83d\ude00","twice":"\ud83d\ud83d"}',
    r'{"id":11,"true":true,"false":false,"text":"true","number text":"007","null text":"null"}',
    r'{"id":12,"zero":0,"minus zero":-0.0,"float one":1.0,"exponent":1E5,"trailing":1.50,"small":1e-7}',
    r'{"id":13,"max":1.7976931348623157e308,"min":5e-324,"normal":2.2250738585072014e-308,"over":1.7976931348623159e308}',
    r'{"id":14,"deep":[[[[[[[[[[[[[[[[[[[[{"a":[{"b":[]}]}]]]]]]]]]]]]]]]]]]]]}',
    r'{"id":15,"keys":{"a":1,"A":2,"á":3,"a\u0301":4,"a ":5,"a\n":6,"a\u0000":7}}',
    r'{"id":16,"lua":{"end":1,"nil":2,"__index":3,"__gc":4,"__mode":"k","n":5,"#":6,"1":7,"-1":8}}',
    r'{"id":17,"like an array":{"1":"a","2":"b"},"mixed":{"1":1,"x":2},"array":["a","b"]}',
    r'{"id":18,"spaces" : "  both sides  ", "tab":"\tx\t" , "newlines":"\n\nx\n\n"}',
    '{"id":19,"long":"' + "x" * 100_000 + '","after":1}',
    '{"id":20,"wide":{' + ",".join(f'"k{i * 7919 % 1000}":{i}' for i in range(1000)) + '},"list":' + str(list(range(2000))) + "}",
    r'{"id":21,"many digits":0.1000000000000000055511151231257827,"exact":1152921504606846976.5,"e":123456789012345678901234567890e-10}',
    r'{"id":"text id","prompt":"<|im_start|> {prompt} %s $(x) ../../etc \u0007"}',
    r'{"id":23.5,"unknown columns":{"label":1,"scores":[0.1,0.2,0.3]},"timestamp":"2024-01-01T00:00:00Z"}',
    r'{"id":null,"empty":"","strings":["","\u0000",""," "]}',
    r'{"id":25,"slash":"<\/script>","plain":"</script>","unicode key":{"\u0041":1,"\u00e9":2,"😀":3}}',
    r'{"id":26,"int like float":100000000000000000000.0,"2^53":9007199254740992,"2^53+1":9007199254740993.0,"2^63":9.223372036854775807e18}',
    r'{"id":27,"minus":-1,"minus half":-0.5,"minus int zero":-0,"leading":0.000001,"ten":10,"list":[0,-0.0,1e0]}',
    r'{"id":28,"objects":[{"b":1,"a":2},{"a":1,"b":2},{"b":1},{"a":2},{}],"same keys":[{"x":1,"y":2},{"y":3,"x":4}]}',
    r'{"id":29,"null key":{"null":null},"nulls":{"a":null,"b":null,"c":{}},"last":null}',
]


def number(text):
    """A number's identity: its text where a double would change it, else its exact value."""
    if not any(c in text for c in ".eE"):
        return "number", "0" if text == "-0" else text
    value = decimal.Decimal(text)
    if decimal.Decimal(repr(float(text))) != value:
        return "number", text
    return "double", str(value.normalize()), text.startswith("-")


def parse(line):
    return json.loads(line, object_pairs_hook=lambda pairs: ("object", pairs), parse_float=number, parse_int=number)
