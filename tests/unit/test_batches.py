"""Batches of rows of like length: nothing lost, nothing doubled, few shapes."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from dump2bert.nets.bert import BertModel
from dump2bert.tasks.batches import batches_of, bucket_widths, encoder_size, order_of, some_of, suitable_widths
from tests.unit.small_networks import small_network


@pytest.mark.parametrize("count, batch_size", [(1, 8), (64, 8), (67, 8), (5, 1)])
def test_every_row_is_in_exactly_one_batch_and_fits_into_it(count, batch_size):
    lengths = np.random.default_rng(count).integers(2, 50, count)
    widths = bucket_widths(lengths, 3, 64)
    batches = list(batches_of(order_of(count, 1, 1, True), lengths, widths, batch_size))
    rows = np.concatenate([numbers[weights > 0] for numbers, _, weights in batches])
    assert sorted(rows) == list(range(count))
    assert len(batches) == -(-count // batch_size)
    for numbers, width, weights in batches:
        assert len(numbers) == len(weights) == batch_size and width in widths
        assert (lengths[numbers[weights > 0]] <= width).all()


def test_buckets_leave_the_least_padding():
    lengths = [10] * 90 + [30] * 5 + [50] * 5
    assert bucket_widths(lengths, 1, 64) == [56]
    assert bucket_widths(lengths, 2, 64) == [16, 56]
    assert bucket_widths(lengths, 3, 64) == [16, 32, 56]
    assert bucket_widths(lengths, 9, 52) == [16, 32, 52]


def test_no_other_choice_of_widths_leaves_less_padding():
    lengths = np.random.default_rng(0).integers(2, 90, 400)
    rounded = -(-lengths // 8) * 8
    for buckets in (2, 3, 4):
        tokens = [np.array(chosen)[np.searchsorted(chosen, rounded)].sum() for chosen in (
            [*lower, 96] for lower in itertools.combinations(range(8, 96, 8), buckets - 1))]
        widths = bucket_widths(lengths, buckets, 96)
        assert len(widths) == buckets
        assert np.array(widths)[np.searchsorted(widths, lengths)].sum() == min(tokens)


def test_a_width_more_is_compiled_where_it_saves_more_than_it_costs():
    lengths = np.repeat([10, 30, 50], [8000, 400, 100])
    number = [len(suitable_widths(lengths, 50, passes, size, training)) for passes, size, training in (
        (1, 1e5, True), (1, 1e7, True), (20, 1e7, True), (1, 1e5, False), (3, 1e7, False))]
    assert number == [1, 2, 3, 1, 3]


def test_small_networks_take_longer_than_their_products():
    encoder = BertModel(small_network())
    vectors = sum(item.size for item in encoder.encoder.get_parameters() if item.ndim == 1)
    matrices = sum(item.size for item in encoder.encoder.get_parameters() if item.ndim == 2)
    assert encoder_size(SimpleNamespace(bert=encoder)) > matrices + 100 * vectors > 0


def test_the_order_is_a_function_of_seed_and_epoch():
    assert (order_of(50, 1, 2, True) == order_of(50, 1, 2, True)).all()
    assert (order_of(50, 1, 2, True) != order_of(50, 1, 3, True)).any()
    assert (order_of(50, 1, 2, True) != order_of(50, 2, 2, True)).any()
    assert (order_of(50, 1, 2, False) == np.arange(50)).all()


def test_some_of_the_records_are_drawn_the_same_every_time_and_keep_their_order():
    records = [f"r{number:02}" for number in range(50)]
    some = some_of(records, 20)
    assert some == some_of(records, 20) == sorted(set(some)) and len(some) == 20 and some != records[:20]
    assert some_of(records, None) == some_of(records, 60) == records
