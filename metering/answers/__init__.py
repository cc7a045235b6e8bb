"""Reads what was used from answers as they pass: JSON, server-sent events, websocket messages."""
