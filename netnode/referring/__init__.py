"""Recommendations: links and codes made here and met, whom an order is attributed to, alliances."""
