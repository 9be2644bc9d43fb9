"""The words a policy may use for entities, by kind. A test holds that our recognisers find theirs."""

from typing import Final

CONTACT: Final = ("EMAIL_ADDRESS", "PERSON", "PHONE_NUMBER")
PLACE: Final = ("LOCATION", "STREET_ADDRESS", "ZIP_CODE")
ABOUT: Final = ("AGE", "DATE_TIME", "NRP", "ORGANIZATION", "TITLE")
MONEY: Final = ("CREDIT_CARD", "CRYPTO", "IBAN_CODE")
NETWORK: Final = ("DOMAIN_NAME", "IP_ADDRESS", "MAC_ADDRESS", "URL")
SECRETS: Final = ("SECRET",)
NATIONAL: Final = (
    "AT_SVNR", "BE_RRN", "CH_AHV", "DE_HEALTH_INSURANCE", "DE_ID_CARD", "DE_PASSPORT", "DE_SOCIAL_SECURITY",
    "DE_TAX_ID", "DE_VAT_ID", "ES_NIE", "ES_NIF", "FR_NIR", "IT_FISCAL_CODE", "IT_VAT_CODE", "NL_BSN", "PL_ID_CARD",
    "PL_NIP", "PL_PESEL", "PT_NIF", "UK_NHS", "UK_NINO", "US_ITIN", "US_SSN",
)  # fmt: skip
MODELLED: Final = frozenset({"LOCATION", "NRP", "ORGANIZATION", "PERSON"})
"""Found by the NER model, and by it alone."""
ENTITIES: Final = tuple(sorted({*CONTACT, *PLACE, *ABOUT, *MONEY, *NETWORK, *SECRETS, *NATIONAL}))
PATTERNED: Final = frozenset(ENTITIES) - MODELLED
"""What our recognisers find."""
