"""A client of Deepfield and of MAST: what a selection comes down to, and every byte of it, resumed and verified.

::

    from deepfield.client import Client, Wanted

    client = Client("http://127.0.0.1:8000")
    outcomes = client.download(Wanted(searches=("instrument_name=NIRCAM",)), "data")

Nothing of the server is imported.
"""

from deepfield.client.client import Client
from deepfield.client.listing import Remote, Unavailable, Wanted
from deepfield.client.transfers import Outcome

__all__ = ["Client", "Outcome", "Remote", "Unavailable", "Wanted"]
