"""Makes calls with the client, and prints what became of each as a line of JSON."""

import json
import sys
import traceback

from aggregator import Aggregator, AggregatorError

url, key, calls = sys.argv[1:]

for fields in json.loads(calls):
    aggregator = Aggregator(fields.pop("url", url), key=key, timeout=fields.pop("timeout", 60))
    line = {"shown": repr(aggregator) + str(aggregator)}
    try:
        line["answer"] = getattr(aggregator, fields.pop("call"))(**fields)
    except AggregatorError as error:
        shown = repr(error) + traceback.format_exc()
        line["error"] = {"status": error.status, "message": str(error), "retry_after": error.retry_after, "shown": shown}
    print(json.dumps(line))
