"""Switzerland.

Social insurance number (AHV, AVS): Art. 50c AHVG; `756`, nine digits, and a check digit as in EAN-13 (GS1).
"""

from typing import Final

from appliance.domain.privacy import Entity
from appliance.redaction.recognisers.checksums import ean_13
from appliance.redaction.recognisers.recogniser import Rule

RULES: Final = (
    Rule(
        entity=Entity("CH_AHV"),
        pattern=r"\b756[. \-]?[0-9]{4}[. \-]?[0-9]{4}[. \-]?[0-9]{2}\b",
        gate=r"756[. \-]?[0-9]{4}",
        check=ean_13,
        score=0.9,
        sure=True,
    ),
)
