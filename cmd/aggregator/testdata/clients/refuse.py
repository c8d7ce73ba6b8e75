"""Prints why clients are not made, or do not ask."""

from aggregator import Aggregator, Webhook

url = "http://localhost:8080"
for make in (
    lambda: Aggregator("s3cret"),
    lambda: Aggregator("ftp://s3cret"),
    lambda: Aggregator("http://user:s3cret@localhost"),
    lambda: Aggregator("http://localhost/?key=s3cret"),
    lambda: Aggregator(url, key=""),
    lambda: Aggregator(url, key="s3cret\n"),
    lambda: Webhook(""),
    lambda: Webhook([]),
    lambda: Webhook(None),
    lambda: Webhook(["s3cret", "whsec_"]),
    lambda: Webhook("whsec_s3cret"),
    lambda: Aggregator("http://localhost:s3cret"),
    lambda: Aggregator(url).bot(None),
):
    try:
        make()
        print("nothing")
    except (TypeError, ValueError) as error:
        print(error)
