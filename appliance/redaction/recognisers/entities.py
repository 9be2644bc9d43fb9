"""What our recognisers find: the table that docs and config read. Nothing is compiled and no library is loaded here."""

from types import MappingProxyType
from typing import Final

import msgspec

from appliance.domain.privacy import Entity


class Kind(msgspec.Struct, frozen=True):
    """One entity, for people."""

    title: str
    country: str | None = None  # ISO 3166 alpha-2, `GB` for the United Kingdom; None: everywhere


KINDS: Final = MappingProxyType(
    {
        Entity("AGE"): Kind("age of a person"),
        Entity("AT_SVNR"): Kind("social insurance number (SVNR)", "AT"),
        Entity("BE_RRN"): Kind("national register number", "BE"),
        Entity("CH_AHV"): Kind("social insurance number (AHV, AVS)", "CH"),
        Entity("CREDIT_CARD"): Kind("payment card number"),
        Entity("CRYPTO"): Kind("Bitcoin address"),
        Entity("DATE_TIME"): Kind("date or time"),
        Entity("DE_HEALTH_INSURANCE"): Kind("health insurance number (KVNR)", "DE"),
        Entity("DE_ID_CARD"): Kind("identity card number", "DE"),
        Entity("DE_PASSPORT"): Kind("passport number", "DE"),
        Entity("DE_SOCIAL_SECURITY"): Kind("pension insurance number", "DE"),
        Entity("DE_TAX_ID"): Kind("tax identification number", "DE"),
        Entity("DE_VAT_ID"): Kind("VAT number", "DE"),
        Entity("DOMAIN_NAME"): Kind("host name without a scheme; counted as URL where only that is asked for"),
        Entity("EMAIL_ADDRESS"): Kind("e-mail address, internal ones too"),
        Entity("ES_NIE"): Kind("foreigner's number (NIE)", "ES"),
        Entity("ES_NIF"): Kind("identity number (DNI, NIF)", "ES"),
        Entity("FR_NIR"): Kind("registration number (NIR, sécurité sociale)", "FR"),
        Entity("IBAN_CODE"): Kind("bank account (IBAN)"),
        Entity("IP_ADDRESS"): Kind("IPv4 or IPv6 address"),
        Entity("IT_FISCAL_CODE"): Kind("codice fiscale", "IT"),
        Entity("IT_VAT_CODE"): Kind("VAT number (partita IVA)", "IT"),
        Entity("MAC_ADDRESS"): Kind("MAC address"),
        Entity("NL_BSN"): Kind("citizen service number (BSN)", "NL"),
        Entity("PHONE_NUMBER"): Kind("telephone number of the policy's regions, or international"),
        Entity("PL_ID_CARD"): Kind("identity card number", "PL"),
        Entity("PL_NIP"): Kind("tax number (NIP)", "PL"),
        Entity("PL_PESEL"): Kind("PESEL number", "PL"),
        Entity("PT_NIF"): Kind("tax number (NIF)", "PT"),
        Entity("SECRET"): Kind("key, token, password or private key"),
        Entity("STREET_ADDRESS"): Kind("street and house number, or a post office box"),
        Entity("TITLE"): Kind("title before a name"),
        Entity("UK_NHS"): Kind("NHS number", "GB"),
        Entity("UK_NINO"): Kind("National Insurance number", "GB"),
        Entity("URL"): Kind("web address"),
        Entity("US_ITIN"): Kind("taxpayer number (ITIN)", "US"),
        Entity("US_SSN"): Kind("social security number", "US"),
        Entity("ZIP_CODE"): Kind("postcode"),
    }
)
SUPPORTED: Final = frozenset(KINDS)
