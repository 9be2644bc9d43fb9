"""Secrets that tell by their form what they are: keys and tokens of known makers, JSON web tokens, private keys.

Formats as their makers document them (prefix, alphabet, length); `detect-secrets` and GitHub's secret scanning list
the same prefixes.
"""

from typing import Final

from appliance.domain.privacy import Entity
from appliance.redaction.recognisers.recogniser import Rule, anywhere, apart

SECRET: Final = Entity("SECRET")
WORD: Final = "[A-Za-z0-9_-]"
FORMATS: Final = (  # pattern, gate
    (r"\b(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}\b", r"A(?:KIA|SIA|BIA|CCA|3T)"),  # AWS access key id
    (r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b", r"gh[pousr]_"),  # GitHub, classic
    (r"\bgithub_pat_[A-Za-z0-9_]{22,255}\b", r"github_pat_"),
    (rf"\bgl(?:pat|ptt|dt|rt|cbt|soat|ft|imt|agent|oas|ffct)-{WORD}{{20,300}}", r"\bgl[a-z]{2,6}-"),  # GitLab
    (r"\bxox[abeoprs]-[A-Za-z0-9-]{10,250}", r"xox[abeoprs]-"),  # Slack
    (r"\bxapp-[0-9]-[A-Za-z0-9-]{10,250}", r"xapp-"),
    (r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/+]{20,90}", r"hooks\.slack"),
    (r"\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,250}\b", r"[srp]k_(?:live|test)_"),  # Stripe
    (r"\bwhsec_[A-Za-z0-9+/=]{24,120}", r"whsec_"),
    (rf"\bsk-(?:proj|svcacct|admin|ant|or|lf)-{WORD}{{20,250}}", r"\bsk-"),  # OpenAI, Anthropic, OpenRouter
    (r"\bsk-[A-Za-z0-9]{32,120}\b", r"\bsk-"),
    (r"\bnpm_[A-Za-z0-9]{36}\b", r"npm_"),
    (rf"\bpypi-AgE{WORD}{{50,400}}", r"pypi-AgE"),
    (rf"\b[0-9]{{8,10}}:AA{WORD}{{32,34}}", r"[0-9]:AA"),  # Telegram bot
    (r"\b(?:AC|SK)[0-9a-f]{32}\b", r"(?:AC|SK)[0-9a-f]{8}"),  # Twilio
    (rf"\bAIza{WORD}{{35}}", r"AIza"),  # Google
    (rf"\bya29\.{WORD}{{20,400}}", r"ya29\."),
    (rf"\bGOCSPX-{WORD}{{24,40}}", r"GOCSPX-"),
    (r"\brdt_[0-9A-Za-z]{36}\b", r"rdt_"),  # ours
    (r"\bhf_[A-Za-z0-9]{30,60}\b", r"\bhf_"),
    (r"\bSG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}", r"SG\."),  # SendGrid
    (r"\bkey-[0-9a-f]{32}\b", r"key-[0-9a-f]"),  # Mailgun
    (r"\bdop_v1_[0-9a-f]{64}\b", r"dop_v1_"),  # DigitalOcean
    (r"\bhv[sb]\.[A-Za-z0-9_-]{24,200}", r"hv[sb]\."),  # HashiCorp Vault
    (r"\b(?:dapi)[0-9a-f]{32}\b", r"dapi[0-9a-f]"),  # Databricks
    (r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b", r"shp[acps]"),  # Shopify
    (r"\bglsa_[A-Za-z0-9]{32}_[0-9a-f]{8}\b", r"glsa_"),  # Grafana
    (r"\bATATT3[A-Za-z0-9_=-]{50,250}", r"ATATT3"),  # Atlassian
    (r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b", r"AGE-SECRET"),
    (r"AccountKey=[A-Za-z0-9+/]{86}==", r"AccountKey="),  # Azure storage
)
JWT: Final = rf"\beyJ{WORD}{{8,}}\.eyJ{WORD}{{8,}}\.{WORD}*"
# What may be cut off stands last and is short: RE2 would otherwise look for the end anew from every beginning.
PEM: Final = (
    r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:[A-Za-z0-9+/=\s:,.\\]|-[A-Za-z0-9])*"
    r"(?:-----END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----)?"
)
RULES: Final = (
    *(
        Rule(
            entity=SECRET,
            pattern=pattern,
            gate=gate,
            edges=apart if pattern.startswith(r"\b") else anywhere,
            score=0.95,
        )
        for pattern, gate in FORMATS
    ),
    Rule(entity=SECRET, pattern=JWT, gate=r"eyJ", edges=anywhere, score=0.95),
    Rule(entity=SECRET, pattern=PEM, gate=r"PRIVATE KEY", edges=anywhere, score=1.0),
    Rule(  # user:password in an address
        entity=SECRET,
        pattern=r"\b[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/:@\x22'<>{}$]{0,64}:([^\s/:@\x22'<>{}$]{3,128})@[A-Za-z0-9\[]",
        gate=r"://[^\s/@]*@",
        group=1,
        edges=anywhere,
        score=0.8,
    ),
    Rule(  # Authorization: Bearer …, Basic …
        entity=SECRET,
        pattern=r"(?i)\b(?:bearer|basic|token) ([A-Za-z0-9_~+/.-]{20,}=*)",
        gate=r"(?i)(?:bearer|basic|token) [A-Za-z0-9_~+/.-]{20}",
        group=1,
        edges=lambda plain, start, end: any(0x30 <= one <= 0x39 for one in plain[start:end]),
        score=0.7,
    ),
)
