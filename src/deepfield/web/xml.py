"""Text that may stand in any XML document."""

import re
from typing import Final

_ILLEGAL: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def legal(text: str) -> str:
    """Replace what XML 1.0 §2.2 does not allow in a document, escaped or not."""
    return _ILLEGAL.sub("\ufffd", text)
