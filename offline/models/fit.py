"""Training: real text varied anew at every pass, synthetic text made anew, judged on what was cut off for it."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.training import Example
from spacy.util import fix_random_seed, load_config, load_model_from_config, registry
from thinc.api import use_ops

from offline.models.augment import Augmenter
from offline.models.corpora import Line, read
from offline.models.examples import examples
from offline.models.features import known_words, save, set_vectors
from offline.models.manifest import Corpus, Data
from offline.models.names import Namer, read_lists
from offline.models.score import judge
from offline.models.synthetic import LABELS, Synthetic

CHOSEN_BY = ("en-gum", "en-btc", "en-uner-ewt", "en-wikigold", "de-germeval14")  # kinds of text the model is for
BESIDE = ("de-europeana",)  # judged too, but with no say: newspapers of other days
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """[redoubt] of the configuration."""

    passes: int  # over all real lines
    stop_after: float  # passes; the rate of learning falls towards the end of all of them
    synthetic: int  # lines a pass
    smallest_batch: int  # words
    largest_batch: int  # words; reached after a third of the way
    dropout: float
    warm_up: float  # share of all batches
    judge_every: int  # batches
    choose: bool  # keep the best state by the validation part; False: learn from that part too, and keep the last
    features: bool  # word features as vectors
    mark_all: bool  # the finished model marks every listed name, also those left out while training
    corpora: bool  # False: synthetic text only; whoever calls then hands over none
    lean: float  # added to the score of every beginning of a name once all is learned; 0 for spaCy's own network
    shorten: bool  # the finished model's weights keep eleven bits of their fraction, to pack smaller
    blis: bool  # spaCy's own library multiplies; False: that of numpy, which takes a third of the time


@dataclass(frozen=True)
class Fitted:
    nlp: Language
    validation: float  # micro F1 of all labels, by which the state was chosen
    words: int  # learned from, over all passes


class Lessons:
    """What a pass is made of."""

    def __init__(self, data: Data, home: Path, plan: Plan, seed: int) -> None:
        draw = random.Random(seed)  # noqa: S311 -- training text, no secret
        self.plan, self.draw, self.lists = plan, draw, read_lists(home)
        corpora = data.corpora
        self.real = [line for one in corpora for line in _learned(one, plan) for _ in range(_times(one, line))]
        self.validation = [
            line
            for one in corpora
            if one.name in CHOSEN_BY
            for line in read(one, "validation")
            if line.doc.startswith(one.typical)
        ]
        self.augmenter = Augmenter(Namer(self.lists, draw), draw, self.real)
        self.synthetic = Synthetic(home, self.lists, draw)
        if not self.validation:
            self.validation = list(self.synthetic.lines(300))

    def lines(self) -> list[Line]:
        """One pass, in random order."""
        made = [*map(self.augmenter.vary, self.real), *self.synthetic.lines(self.plan.synthetic)]
        self.draw.shuffle(made)
        return made


def _times(corpus: Corpus, line: Line) -> int:
    """How often a pass reads the line."""
    stressed = bool(corpus.typical) and line.doc.startswith(corpus.typical)
    return corpus.weight * (2 if stressed else 1)


def _learned(corpus: Corpus, plan: Plan) -> Iterator[Line]:
    """The dev part of a corpus that the model is judged by is left alone; of others, all is learned from."""
    parts = ["train"]
    if corpus.name not in (*CHOSEN_BY, *BESIDE):
        parts += ["validation", "dev"]
    elif not plan.choose and corpus.name in CHOSEN_BY:
        parts += ["validation"]
    for one in parts:
        yield from read(corpus, one)


def fit(data: Data, home: Path, config: Path, keep: Path, say: Say) -> Fitted:
    """Train by `config`; the best state so far lies in `keep` all the while. `data` names what may be learned from."""
    settings = load_config(config)
    plan = Plan(**settings["redoubt"])
    seed = settings["training"]["seed"]
    fix_random_seed(seed)
    lessons = Lessons(data, home, plan, seed)
    with use_ops("numpy", use_blis=plan.blis):  # layers keep the library they were made with
        nlp = load_model_from_config(settings, auto_fill=True)
    if plan.features:
        set_vectors(nlp.vocab, known_words(home, lessons.lists))
    ner: Any = nlp.get_pipe("ner")  # spaCy types every pipe as a function
    for label in LABELS:
        ner.add_label(label)
    first = list(examples(nlp, lessons.synthetic.lines(100), lessons.lists))
    optimizer = registry.resolve({"optimizer": settings["training"]["optimizer"]})["optimizer"]
    nlp.initialize(lambda: first, sgd=optimizer)
    return _Run(nlp, optimizer, lessons, keep, say).all()


class _Run:
    def __init__(self, nlp: Language, optimizer: Any, lessons: Lessons, keep: Path, say: Say) -> None:
        self.nlp, self.optimizer, self.lessons, self.keep, self.say = nlp, optimizer, lessons, keep, say
        self.rate = optimizer.learn_rate
        self.best, self.words, self.started = -1.0, 0, time.process_time()
        self.loss: dict[str, float] = {}

    def all(self) -> Fitted:
        plan = self.lessons.plan
        step = 0
        for at in range(plan.passes):
            lines = self.lessons.lines()
            total = sum(len(line.text) for line in lines)
            done = 0
            for batch in self._batches(examples(self.nlp, lines, self.lessons.lists), at / plan.passes):
                done += sum(len(one.reference.text) for one in batch)
                self._learn(batch, (at + done / total) / plan.passes)
                step += 1
                if step % plan.judge_every == 0:
                    self._judge(at + done / total)
                if at + done / total >= plan.stop_after:
                    break
            if at + 1 >= plan.stop_after:
                break
        self._judge(min(plan.stop_after, plan.passes))
        return Fitted(self.nlp, self.best, self.words)

    def _batches(self, made: Iterator[Example], progress: float) -> Iterator[list[Example]]:
        """Batches of words, growing over the first third of the way."""
        plan = self.lessons.plan
        size = plan.smallest_batch + (plan.largest_batch - plan.smallest_batch) * min(1.0, 3 * progress)
        batch: list[Example] = []
        words = 0
        for one in made:
            batch.append(one)
            words += len(one.reference)
            if words >= size:
                yield batch
                batch, words = [], 0
        if batch:
            yield batch

    def _learn(self, batch: list[Example], progress: float) -> None:
        plan = self.lessons.plan
        warm = min(1.0, progress / plan.warm_up) if plan.warm_up else 1.0
        self.optimizer.learn_rate = self.rate * warm * max(0.02, 1.0 - progress)
        self.nlp.update(batch, drop=plan.dropout, sgd=self.optimizer, losses=self.loss)
        self.words += sum(len(one.reference) for one in batch)

    def _judge(self, passes: float) -> None:
        """The averaged state on the validation part; kept when it is the best so far."""
        with self.nlp.use_params(self.optimizer.averages):
            tally = judge(self.nlp, self.lessons.validation)
            score = tally.f1()
            if score > self.best or not self.lessons.plan.choose:
                self.best = score
                save(self.nlp, self.keep)
        seconds = time.process_time() - self.started
        self.say(
            f"pass {passes:5.2f}  words {self.words:>10,}  {seconds:6.0f} s CPU  loss {self.loss.get('ner', 0):9.0f}  "
            f"validation F1 {score:.3f}  PERSON {tally.f1('PERSON'):.3f}  LOCATION {tally.f1('LOCATION'):.3f}  "
            f"ORGANIZATION {tally.f1('ORGANIZATION'):.3f}{'  kept' if score == self.best else ''}"
        )
        self.loss.clear()
