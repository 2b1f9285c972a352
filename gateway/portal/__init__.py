"""The pairing portal: the pages by which a patient connects a device, on the home network.

Imported only where the portal is switched on: a box without it loads no web server.
"""
