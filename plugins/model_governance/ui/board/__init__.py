"""The governance board: pages over stored evidence, read from a local database that is made from the history index.

It shows which model may not keep answering, since when and why. It computes no verdict of its own, writes nothing into an
archive, and knows no Airflow: who may see what is passed in.
"""
