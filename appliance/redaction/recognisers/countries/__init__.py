"""National identifiers, a file a country: format, check digit, where the rule comes from, words that stand near."""
