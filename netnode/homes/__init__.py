"""How a home comes to hold a networker: made, brought back, put back, mended."""
