"""Arms of one experiment: real, synthetic and mixed data, equal steps, one held-out set."""

from finetune.arms.plan import Arm, ArmRun, held_out_sources, plan_arms, plan_runs
from finetune.arms.run import Experiment, run_experiment

__all__ = ("Arm", "ArmRun", "Experiment", "held_out_sources", "plan_arms", "plan_runs", "run_experiment")
