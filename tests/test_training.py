"""The training loop and the checkpoints: repeatable, interruptible, and clear about what is wrong."""

import os
import signal
import threading
import tomllib
import types

import pytest
import torch

import course.recipes
from course.cli import main
from course.paths import data_folder
from course.training import Training, batches, checkpoint, falling, steps, threads
from course.training.checkpoints import save_checkpoint
from course.training.loop import ResumeError


def line(seed=0, lr=0.05, noise=0.1, **options):
    """A small stochastic training: a line fitted to noisy points, with dropout-like noise inside the step."""
    rng = torch.Generator().manual_seed(1)
    x = torch.randn(100, 3, generator=rng)
    y = x @ torch.tensor([1.0, -2.0, 0.5]) + 0.3
    torch.manual_seed(7)
    network = torch.nn.Linear(3, 1)
    optimiser = torch.optim.Adam(network.parameters(), lr=lr)

    def step(x, y):
        optimiser.zero_grad()
        loss = ((network(x + noise * torch.randn_like(x))[:, 0] - y) ** 2).mean()
        loss.backward()
        optimiser.step()
        return {"loss": loss}

    return network, Training(step, (x, y), keep=[network, optimiser], batch_size=16, seed=seed, **options)


def weights(network):
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


def test_the_loop_fits_a_line():
    network, training = line(noise=0.0)
    training.run(600, show=False)
    torch.testing.assert_close(weights(network), torch.tensor([1.0, -2.0, 0.5, 0.3]), atol=1e-3, rtol=0)


def test_the_same_seed_gives_the_same_numbers_whatever_happened_before():
    first, training = line()
    training.run(30, show=False)
    second, again = line()
    torch.randn(17)
    again.run(30, show=False)
    assert torch.equal(weights(first), weights(second))
    assert training.history == again.history
    third, other = line(seed=1)
    other.run(30, show=False)
    assert not torch.equal(weights(first), weights(third))


def test_a_training_leaves_the_random_numbers_of_the_notebook_alone():
    torch.manual_seed(3)
    expected = torch.randn(4)
    _, training = line()
    torch.manual_seed(3)
    training.run(5, show=False)
    assert torch.equal(torch.randn(4), expected)


def test_a_training_in_two_parts_is_the_training_in_one():
    whole, training = line()
    training.run(40, show=False)
    parts, halved = line()
    halved.run(17, show=False)
    halved.run(40, show=False)
    assert torch.equal(weights(whole), weights(parts))


def test_saved_and_resumed_in_another_process_it_goes_on_bit_by_bit(tmp_path):
    whole, training = line()
    training.run(40, show=False)
    _first, halved = line()
    halved.run(17, show=False)
    halved.save(tmp_path / "half.pt")
    torch.manual_seed(99)
    second, resumed = line()
    resumed.run(3, show=False)  # what was done before the resume is forgotten
    resumed.resume(tmp_path / "half.pt").run(40, show=False)
    by_step = dict(zip(resumed.history["step"], resumed.history["loss"], strict=True))
    assert torch.equal(weights(whole), weights(second))
    assert list(by_step) == [10, 17, 20, 30, 40]  # the first part logged its last step as well
    assert [by_step[step] for step in (10, 20, 30, 40)] == training.history["loss"]


def test_an_interrupt_ends_after_the_step_and_running_again_does_the_rest(capsys):
    whole, training = line()
    training.run(40, show=False)
    network, stopped = line(log_every=1)
    inner = stopped.step

    def step(*batch):
        if stopped.done == 11:
            signal.raise_signal(signal.SIGINT)
        return inner(*batch)

    stopped.step = step
    handler = signal.getsignal(signal.SIGINT)
    stopped.run(40, show=False)
    assert stopped.done == 12
    assert stopped.interrupted
    assert capsys.readouterr().out == "interrupted after 12 of 40 steps: run it again to go on\n"
    assert signal.getsignal(signal.SIGINT) is handler
    stopped.run(40, show=False)
    assert stopped.stopped is None
    assert torch.equal(weights(whole), weights(network))


def test_a_second_interrupt_ends_a_step_that_hangs():
    _, training = line()

    def step(*batch):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("the second interrupt was swallowed")

    training.step = step
    with pytest.raises(KeyboardInterrupt):
        training.run(5, show=False)


def test_it_runs_outside_the_main_thread():
    _, training = line()
    thread = threading.Thread(target=training.run, args=(5, False))
    thread.start()
    thread.join()
    assert training.done == 5


def test_a_training_that_diverges_is_stopped_and_the_way_out_is_said(capsys):
    _network, training = line(lr=1e30, log_every=1)
    training.run(50, show=False)
    said = capsys.readouterr().out
    assert training.done < 50
    assert not training.interrupted
    assert "the training has diverged" in said
    assert "lower the learning rate" in said


def test_what_a_watch_finds_wrong_stops_the_training():
    _, training = line(log_every=1, watch=[lambda values: "low enough" if values["loss"] < 3 else None])
    training.run(500, show=False)
    assert training.stopped.endswith("low enough")
    assert training.history["loss"][-1] < 3 <= min(training.history["loss"][:-1])


def test_the_progress_reads_as_plain_text(capsys):
    _, training = line()
    training.run(20)
    said = capsys.readouterr().out
    assert "20/20" in said
    assert "loss=" in said
    assert "\x1b" not in said  # no escape sequences of a terminal


def test_snapshots_come_before_the_first_and_after_the_last_step():
    network, _ = line()
    network, training = line(snapshot=lambda: network.bias.item(), snapshot_every=10)
    training.run(25, show=False)
    assert [step for step, _ in training.snapshots] == [0, 10, 20, 25]
    training.run(30, show=False)
    assert [step for step, _ in training.snapshots] == [0, 10, 20, 25, 30]


def test_every_row_is_seen_once_an_epoch_and_the_rows_of_a_batch_belong_together():
    x = torch.arange(10.0)
    stream = batches((x, 2 * x), batch_size=5, seed=4)
    one, two, three = next(stream), next(stream), next(stream)
    assert sorted(torch.cat([one[0], two[0]]).tolist()) == x.tolist()
    assert torch.equal(three[1], 2 * three[0])
    assert stream.epoch == 1


@pytest.mark.parametrize("size", [0, 11])
def test_a_batch_size_that_cannot_be_is_refused(size):
    with pytest.raises(ValueError, match="choose one from 1 to 10"):
        batches(torch.zeros(10), size)


def test_data_of_different_lengths_and_parts_without_state_are_refused():
    with pytest.raises(ValueError, match="same number"):
        batches((torch.zeros(10), torch.zeros(9)), 2)
    with pytest.raises(ValueError, match="keep holds list"):
        Training(lambda x: {}, torch.zeros(10), keep=[[]])


def test_a_saved_training_that_is_missing_damaged_or_another_is_refused(tmp_path):
    _network, training = line()
    with pytest.raises(ResumeError, match="cannot be read"):
        training.resume(tmp_path / "none.pt")
    training.run(5, show=False).save(tmp_path / "whole.pt")
    (tmp_path / "cut.pt").write_bytes((tmp_path / "whole.pt").read_bytes()[:500])
    with pytest.raises(ResumeError, match="damaged"):
        training.resume(tmp_path / "cut.pt")
    other = torch.nn.Linear(5, 1)
    another = Training(lambda x: {}, torch.zeros(10, 5), [other, torch.optim.SGD(other.parameters(), lr=1)], 2)
    with pytest.raises(ResumeError, match="another training"):
        another.resume(tmp_path / "whole.pt")


def test_threads_are_set_and_given_back():
    before = torch.get_num_threads()
    with threads(1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(("tier", "expected"), [("smoke", 20), ("short", 1000), ("full", 9000), ("", 1000)])
def test_the_tier_says_how_many_steps(monkeypatch, tier, expected):
    monkeypatch.setenv("COURSE_TIER", tier)
    assert steps(1000, full=9000) == expected


def test_an_unknown_tier_is_refused(monkeypatch):
    monkeypatch.setenv("COURSE_TIER", "huge")
    with pytest.raises(ValueError, match="smoke, short, full"):
        steps(10)


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(0)
    network = torch.nn.Linear(3, 2)
    save_checkpoint("small", network, {"step": [10, 20], "loss": [2.0, 1.0]}, {"seed": 0}, tmp_path)
    return tmp_path, network


def test_a_checkpoint_comes_back_with_its_curve_and_leaves_the_given_network_alone(saved):
    folder, network = saved
    mine = torch.nn.Linear(3, 2)
    before = weights(mine).clone()
    loaded, curve = checkpoint("small", mine, {"loss": []}, folder)
    assert torch.equal(weights(loaded), weights(network))
    assert torch.equal(weights(mine), before)
    assert curve == {"step": [10, 20], "loss": [2.0, 1.0]}


def damage(folder, how):
    path = folder / "small" / "weights.pt"
    content = path.read_bytes()
    if how == "missing":
        path.unlink()
    elif how == "truncated":
        path.write_bytes(content[:-100])
    elif how == "altered":
        path.write_bytes(content[:300] + bytes([content[300] ^ 1]) + content[301:])
    elif how == "unvouched":
        (folder / "small" / "sources.toml").unlink()


@pytest.mark.parametrize("how", ["missing", "truncated", "altered", "unvouched"])
def test_a_bad_checkpoint_is_refused_in_one_line_and_the_page_goes_on(saved, capsys, how):
    folder, _ = saved
    damage(folder, how)
    mine, history = torch.nn.Linear(3, 2), {"loss": [5.0]}
    assert checkpoint("small", mine, history, folder) == (mine, history)
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert "`course train small` makes it again" in said
    assert "goes on with the network trained here" in said


def test_a_checkpoint_of_another_architecture_is_refused_in_one_line(saved, capsys):
    folder, _ = saved
    mine = torch.nn.Linear(4, 2)
    assert checkpoint("small", mine, {}, folder)[0] is mine
    assert "does not fit this network" in capsys.readouterr().out


@pytest.fixture
def toy_recipe(monkeypatch, tmp_path):
    def training(network):
        optimiser = torch.optim.SGD(network.parameters(), lr=0.1)

        def step(x):
            optimiser.zero_grad()
            loss = ((network(x) - x.sum(1, keepdim=True)) ** 2).mean()
            loss.backward()
            optimiser.step()
            return {"loss": loss}

        return Training(step, torch.randn(50, 3, generator=torch.Generator().manual_seed(0)), [network, optimiser], 10)

    toy = types.SimpleNamespace(
        __doc__="A line, for the tests.",
        SEED=0,
        STEPS=30,
        network=lambda: torch.nn.Linear(3, 1),
        training=training,
        measure=lambda network: {"bias": network.bias},
    )
    monkeypatch.setattr(course.recipes, "recipe", lambda name: toy)
    monkeypatch.setattr(course.recipes, "project_root", lambda: tmp_path)
    return toy


def test_a_recipe_makes_the_same_bytes_again_also_after_an_interruption(toy_recipe, tmp_path, capsys):
    assert main(["train", "toy", "--to", str(tmp_path / "a")]) == 0
    plain = toy_recipe.training

    def interrupted(network):
        training = plain(network)
        inner = training.step

        def step(x):
            if training.done == 13:
                os.kill(os.getpid(), signal.SIGINT)
            return inner(x)

        training.step = step
        return training

    toy_recipe.training = interrupted
    assert main(["train", "toy", "--to", str(tmp_path / "b")]) == 1
    assert not (tmp_path / "b").exists()
    toy_recipe.training = plain
    assert main(["train", "toy", "--to", str(tmp_path / "b")]) == 0
    assert "going on after step" in capsys.readouterr().out
    a, b = (tmp_path / x / "toy" / "weights.pt" for x in "ab")
    network_a, curve_a = checkpoint("toy", torch.nn.Linear(3, 1), {}, tmp_path / "a")
    network_b, curve_b = checkpoint("toy", torch.nn.Linear(3, 1), {}, tmp_path / "b")
    assert torch.equal(weights(network_a), weights(network_b))
    assert a.read_bytes() == b.read_bytes()
    assert curve_a == curve_b
    facts = tomllib.loads((tmp_path / "a" / "toy" / "sources.toml").read_text())["weights.pt"]
    assert facts["made_by"] == "course train toy"
    assert facts["steps"] == 30
    assert facts["seed"] == 0
    assert facts["bias"] == pytest.approx(network_a.bias.item(), abs=1e-4)


def test_an_unknown_recipe_is_one_line(capsys):
    assert main(["train", "no_such_thing"]) == 2
    assert "no recipe is called 'no_such_thing'" in capsys.readouterr().err


@pytest.mark.parametrize("name", course.recipes.NAMES)
def test_every_checkpoint_is_there_whole_small_and_fits_its_recipe(name, capsys):
    plan = course.recipes.recipe(name)
    network = plan.network()
    loaded, curve = checkpoint(name, network, {})
    assert capsys.readouterr().out == ""
    assert loaded is not network
    assert len(curve["step"]) > 1
    (kept,) = tomllib.loads((data_folder() / "checkpoints" / name / "sources.toml").read_text("utf-8")).values()
    assert (kept["about"], kept["seed"], kept["steps"]) == (" ".join(plan.__doc__.split()), plan.SEED, plan.STEPS)


def test_the_rate_holds_and_then_falls_on_a_line():
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    schedule, rates = falling(optimiser, 8, hold=0.25, last=0.1), []
    for _ in range(10):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    assert rates == pytest.approx([0.5, 0.5, 0.5, 0.5 * 5 / 6, 0.5 * 4 / 6, 0.25, 0.5 * 2 / 6, 0.5 / 6, 0.05, 0.05])
    for bad in ({"steps": 0}, {"steps": 5, "hold": 1.0}, {"steps": 5, "last": -1}):
        with pytest.raises(ValueError, match="hold < 1"):
            falling(optimiser, **bad)
