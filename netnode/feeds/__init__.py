"""Product feeds: files of other shop systems, read as a stream of products.

`reading.read_feed` opens a file, `product` is what every format is turned into, `mapping` makes listings of that.
A new format is one module with a `Format`, entered in `reading.FORMATS`.
"""
