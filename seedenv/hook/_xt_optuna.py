"""What xt does for searches with Optuna.

It is imported when a script first imports the part of Optuna that is concerned.
A study that would be in memory alone is there as it would be without xt, and is
told to the store of runs as it grows: what a script sees does not change, and a
store that cannot be reached is no error of the script.
"""

import functools
import http.client
import inspect
import json
import math
import os
import sys
import threading
import time
import uuid

from _xt_hook import complain

# Where the store is, "TOKEN@HOST:PORT".
ADDRESS = "XT_OPTUNA_STORAGE"


def keep_studies(storages):
    """Tell xt of studies for which create_study() is given no storage."""
    known = inspect.signature(storages.InMemoryStorage.create_new_study).parameters
    if "@" not in os.environ.get(ADDRESS, "") or "directions" not in known:  # Optuna 3.0 and before
        return
    get_storage = storages.get_storage
    kind = told(storages.InMemoryStorage)

    @functools.wraps(get_storage)
    def get_told_storage(storage, *args, **kwargs):
        if storage is not None:
            return get_storage(storage, *args, **kwargs)
        return kind()

    storages.get_storage = get_told_storage


class Store:
    """The store of runs, by the Connect protocol.

    A call whose answer was lost is repeated, and the store does not do twice what
    has the same number.
    """

    def __init__(self):
        self.token, _, self.place = os.environ[ADDRESS].rpartition("@")
        self.local = threading.local()
        self.lost = False

    def call(self, method, request, **headers):
        headers = {"xt-" + name: value for name, value in headers.items() if value}
        headers.update({"Content-Type": "application/json", "Authorization": "Bearer " + self.token, "xt-request": uuid.uuid4().hex})
        body = json.dumps(request).encode()
        for pause in (0, 0.1, 0.5, 2, None):
            try:
                status, answer = self.send("/optuna.StorageService/" + method, body, headers)
                if status != 503 or pause is None:
                    break
            except (OSError, http.client.HTTPException):
                self.local.connection = None
                if pause is None:
                    raise
            time.sleep(pause)
        if status != 200:
            raise Refused(status, answer.get("message", ""))
        return answer

    def send(self, path, body, headers):
        connection = getattr(self.local, "connection", None)
        if connection is None or self.local.process != os.getpid():  # a fork has its own
            connection = http.client.HTTPConnection(self.place, timeout=30)
            self.local.connection, self.local.process = connection, os.getpid()
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read().decode() or "{}")


class Refused(Exception):
    def __init__(self, status, message):
        super().__init__("%s (status %d)" % (message, status))
        self.status = status


def told(memory):
    """Return a kind of the storage in memory of which xt is told."""

    class ToldStorage(memory):
        def __init__(self):
            super().__init__()
            self._xt = Store()
            self._xt_ids = {}  # of studies and trials there, by theirs here
            self._xt_last = threading.local()

        def __reduce_ex__(self, protocol):
            # What is pickled is read where there may be no xt, or no store.
            state = {name: value for name, value in self.__dict__.items() if not name.startswith("_xt") and name != "_lock"}
            return restore, (memory,), state

        def _xt_tell(self, tell, *args):
            store = self._xt
            if store.lost:
                return
            try:
                tell(*args)
            except Exception as error:
                store.lost = True
                complain("optuna: the study is in memory alone from here on: %s: %s" % (type(error).__name__, error))

        def create_new_study(self, directions, study_name=None):
            study = super().create_new_study(directions, study_name)

            def tell():
                name = self.get_study_name_from_id(study)
                request = {"directions": [d.name for d in directions], "studyName": name}
                try:
                    answer = self._xt.call("CreateNewStudy", request)
                except Refused as refused:
                    if refused.status != 409:
                        raise
                    # In memory it is a new one each time that the script runs.
                    request["studyName"] = name + "-" + uuid.uuid4().hex[:8]
                    answer = self._xt.call("CreateNewStudy", request)
                self._xt_ids["study", study] = answer["studyId"]

            self._xt_tell(tell)
            return study

        def _xt_attribute(self, what, number, method, key, value):
            def tell():
                id = self._xt_ids[what, number]
                self._xt.call(method, {what + "Id": id, "key": key, "value": plain(value)})

            self._xt_tell(tell)

        def set_study_user_attr(self, study_id, key, value):
            super().set_study_user_attr(study_id, key, value)
            self._xt_attribute("study", study_id, "SetStudyUserAttribute", key, value)

        def set_study_system_attr(self, study_id, key, value):
            super().set_study_system_attr(study_id, key, value)
            self._xt_attribute("study", study_id, "SetStudySystemAttribute", key, value)

        def set_trial_user_attr(self, trial_id, key, value):
            super().set_trial_user_attr(trial_id, key, value)
            self._xt_attribute("trial", trial_id, "SetTrialUserAttribute", key, value)

        def set_trial_system_attr(self, trial_id, key, value):
            super().set_trial_system_attr(trial_id, key, value)
            self._xt_attribute("trial", trial_id, "SetTrialSystemAttribute", key, value)

        def create_new_trial(self, study_id, template_trial=None):
            trial = super().create_new_trial(study_id, template_trial)
            self._xt_last.run = active_run()

            def tell():
                request = {"studyId": self._xt_ids["study", study_id], "templateTrialIsNone": template_trial is None}
                if template_trial is not None:
                    request["templateTrial"] = as_template(template_trial)
                self._xt_ids["trial", trial] = self._xt.call("CreateNewTrial", request)["trialId"]

            self._xt_tell(tell)
            return trial

        def set_trial_param(self, trial_id, param_name, param_value_internal, distribution):
            super().set_trial_param(trial_id, param_name, param_value_internal, distribution)

            def tell():
                request = {"trialId": self._xt_ids["trial", trial_id], "paramName": param_name}
                request.update(paramValueInternal=number(param_value_internal), distribution=as_distribution(distribution))
                self._xt.call("SetTrialParameter", request)

            self._xt_tell(tell)

        def set_trial_intermediate_value(self, trial_id, step, intermediate_value):
            super().set_trial_intermediate_value(trial_id, step, intermediate_value)

            def tell():
                request = {"trialId": self._xt_ids["trial", trial_id], "step": int(step)}
                request.update(intermediateValue=number(intermediate_value))
                self._xt.call("SetTrialIntermediateValue", request)

            self._xt_tell(tell)

        def set_trial_state_values(self, trial_id, state, values=None):
            changed = super().set_trial_state_values(trial_id, state, values)
            if not changed:
                return changed
            run = active_run()
            before, self._xt_last.run = getattr(self._xt_last, "run", None), run

            def tell():
                request = {"trialId": self._xt_ids["trial", trial_id], "state": state.name}
                if values is not None:
                    request["values"] = [number(v) for v in values]
                self._xt.call("SetTrialStateValues", request, run=run if state.is_finished() and run != before else None)

            self._xt_tell(tell)
            return changed

    return ToldStorage


def restore(memory):
    """Return the storage in memory that a pickle is read into."""
    return memory.__new__(memory)


def active_run():
    """Return the run that MLflow's client has ended last in this thread, or None."""
    last = getattr(sys.modules.get("mlflow.tracking.fluent"), "_last_active_run_id", None)
    return last.get() if hasattr(last, "get") else last


def number(value):
    """Return a number as JSON has it, which has no NaN and no infinity."""
    value = float(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def plain(value):
    """Return a value as Optuna's storages write it, whatever a script has put there."""
    return json.dumps(value, default=str)


def as_distribution(distribution):
    return plain({"name": type(distribution).__name__, "attributes": distribution._asdict()})


def as_template(trial):
    def clock(moment):
        return "" if moment is None else moment.strftime("%Y-%m-%d %H:%M:%S.%f")

    distributions = trial.distributions
    return {
        "state": trial.state.name,
        "values": [number(v) for v in trial.values or ()],
        "datetimeStart": clock(trial.datetime_start),
        "datetimeComplete": clock(trial.datetime_complete),
        "params": {n: number(distributions[n].to_internal_repr(v)) for n, v in trial.params.items()},
        "distributions": {n: as_distribution(d) for n, d in distributions.items()},
        "userAttributes": {k: plain(v) for k, v in trial.user_attrs.items()},
        "systemAttributes": {k: plain(v) for k, v in trial.system_attrs.items()},
        "intermediateValues": {str(s): number(v) for s, v in trial.intermediate_values.items()},
    }


def revive(trial):
    """Give trials the methods that Optuna is to lose with 6.0, or has lost."""

    def uniform(self, name, low, high):
        return self.suggest_float(name, low, high)

    def loguniform(self, name, low, high):
        return self.suggest_float(name, low, high, log=True)

    def discrete_uniform(self, name, low, high, q):
        return self.suggest_float(name, low, high, step=q)

    for function in (uniform, loguniform, discrete_uniform):
        name = "suggest_" + function.__name__
        for kind in (trial.Trial, trial.FixedTrial, trial.FrozenTrial):
            if not hasattr(kind, name):
                setattr(kind, name, noting(function, name))


NOTED = set()


def noting(function, name):
    """Return function, which says once that Optuna has it no more."""

    def suggest(self, *args, **kwargs):
        if name not in NOTED:
            NOTED.add(name)
            complain("optuna: %s is no longer in this release; xt takes it for suggest_float" % name)
        return function(self, *args, **kwargs)

    suggest.__name__ = suggest.__qualname__ = name
    return suggest
