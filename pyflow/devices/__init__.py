"""Devices behind an MQTT broker: topics, messages, the shared connection, the adapter."""
