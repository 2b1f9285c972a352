"""The box in the home: radio -> durable spool -> broker."""
