"""What a model's answers are worth: generation, scores, baselines, the picture test, the report."""

from finetune.answers import Answer, parse_answer
from finetune.evaluation.bootstrap import Interval
from finetune.evaluation.generation import AnswerCache, generate_answers
from finetune.evaluation.picture_test import PictureGain, picture_gain, shuffled_order
from finetune.evaluation.scores import METRICS, Judged, Metric, Scores, judge, score_answers

__all__ = (
    "METRICS",
    "Answer",
    "AnswerCache",
    "Interval",
    "Judged",
    "Metric",
    "PictureGain",
    "Scores",
    "generate_answers",
    "judge",
    "parse_answer",
    "picture_gain",
    "score_answers",
    "shuffled_order",
)
