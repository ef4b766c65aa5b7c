"""Customers and vendors: their profiles in Alvys, and how their records in Sage Intacct are found and filled."""
