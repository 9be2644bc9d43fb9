"""The models a bundle carries: what they learn from, how they are trained, judged and packed.

`manifest`, `corpora`, `notice` and `clean` need nothing but the standard library; making synthetic text needs Faker;
the rest needs spaCy. Nothing here runs at a site.
"""
