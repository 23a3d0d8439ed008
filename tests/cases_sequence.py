"""The table's rows for normalisation, embedding, recurrent layers and attention."""

from __future__ import annotations

import pellucid as pl
from tests.layer_case import LayerCase
from tests.reference import sequence as naive

LAYERS = [
    LayerCase("batch_norm", lambda: pl.BatchNorm(), (3,), naive.fixed_batch_norm),
    LayerCase("batch_norm_on_pictures", lambda: pl.BatchNorm(0.3), (2, 3, 2), naive.fixed_batch_norm),
    LayerCase("batch_norm_training", lambda: pl.BatchNorm(), (2, 3), naive.batch_norm, rowwise=False, training=True),
    LayerCase(
        "batch_norm_training_on_pictures",
        lambda: pl.BatchNorm(0.3),
        (2, 3, 2),
        naive.batch_norm,
        rowwise=False,
        training=True,
    ),
    LayerCase("layer_norm", lambda: pl.LayerNorm(), (4,), naive.layer_norm),
    LayerCase("layer_norm_on_sequences", lambda: pl.LayerNorm(), (2, 4), naive.layer_norm),
    LayerCase("group_norm", lambda: pl.GroupNorm(2), (2, 3, 4), naive.group_norm(2)),
    LayerCase("group_norm_one_group", lambda: pl.GroupNorm(1), (2, 2, 3), naive.group_norm(1)),
    LayerCase("group_norm_each_channel", lambda: pl.GroupNorm(3), (2, 2, 3), naive.group_norm(3)),
    LayerCase("group_norm_on_rows", lambda: pl.GroupNorm(2), (6,), naive.group_norm(2)),
    LayerCase("embedding", lambda: pl.Embedding(6, 3), (4,), naive.embedding(), ids=6),
    LayerCase("embedding_with_pad", lambda: pl.Embedding(4, 3, pad=1), (5,), naive.embedding(pad=1), ids=4),
    LayerCase("embedding_of_tables", lambda: pl.Embedding(3, 2), (2, 3), naive.embedding(), ids=3),
    LayerCase("simple_rnn", lambda: pl.SimpleRNN(3), (4, 2), naive.simple_rnn()),
    LayerCase("simple_rnn_sequence", lambda: pl.SimpleRNN(3, sequence=True), (4, 2), naive.simple_rnn(True)),
    LayerCase("simple_rnn_one_step", lambda: pl.SimpleRNN(2), (1, 3), naive.simple_rnn()),
    LayerCase("gru", lambda: pl.GRU(3), (4, 2), naive.gru()),
    LayerCase("gru_sequence", lambda: pl.GRU(3, sequence=True), (4, 2), naive.gru(True)),
    LayerCase("lstm", lambda: pl.LSTM(3), (4, 2), naive.lstm()),
    LayerCase("lstm_sequence", lambda: pl.LSTM(3, sequence=True), (4, 2), naive.lstm(True)),
    LayerCase("attention", lambda: pl.MultiHeadAttention(2), (3, 4), naive.attention(2)),
    LayerCase("attention_one_head", lambda: pl.MultiHeadAttention(1), (3, 3), naive.attention(1)),
    LayerCase("attention_causal", lambda: pl.MultiHeadAttention(2, causal=True), (4, 4), naive.attention(2, True)),
    LayerCase("positional_encoding", lambda: pl.PositionalEncoding(), (3, 4), naive.positional_encoding),
    LayerCase("positional_encoding_of_odd_width", lambda: pl.PositionalEncoding(), (4, 3), naive.positional_encoding),
]
