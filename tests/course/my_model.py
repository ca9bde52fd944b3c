"""The solutions of all exercises, as a reader would write them."""

import math

import numpy as np


def wordpieces(word, vocabulary):
    parts = []
    start = 0
    while start < len(word):
        for end in range(len(word), start, -1):
            part = word[start:end] if start == 0 else "##" + word[start:end]
            if part in vocabulary:
                break
        else:
            return ["[UNK]"]
        parts.append(part)
        start = end
    return parts


def embeddings(ids, words, positions):
    return words[ids] + positions[: len(ids)]


def layer_norm(x, weight, bias, epsilon):
    mean = x.mean(axis=-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(axis=-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon) * weight + bias


def linear(x, weight, bias):
    return x @ weight.T + bias


def softmax(scores):
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def attention(x, layer, heads):
    q = linear(x, **layer["q_lin"])
    k = linear(x, **layer["k_lin"])
    v = linear(x, **layer["v_lin"])
    d = x.shape[1] // heads
    context = np.empty_like(x)
    for head in range(heads):
        own = slice(head * d, (head + 1) * d)
        weights = softmax(q[:, own] @ k[:, own].T / np.sqrt(d))
        context[:, own] = weights @ v[:, own]
    return linear(context, **layer["out_lin"])


def gelu(x):
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def feed_forward(x, layer):
    return linear(gelu(linear(x, **layer["lin1"])), **layer["lin2"])


def block(x, layer, heads, epsilon):
    x = layer_norm(
        x + attention(x, layer["attention"], heads), **layer["sa_layer_norm"], epsilon=epsilon
    )
    return layer_norm(
        x + feed_forward(x, layer["ffn"]), **layer["output_layer_norm"], epsilon=epsilon
    )


def tag_head(x, classifier):
    return linear(x, **classifier)


def decode(tags):
    chunks = []
    before = ""
    for word, tag in enumerate(tags):
        prefix, _, label = tag.partition("-")
        if label and (prefix == "B" or label != before):
            chunks.append((label, word, word))
        elif label:
            chunks[-1] = (label, chunks[-1][1], word)
        before = label
    return chunks


def logits(ids, model, heads, epsilon):
    table = model["embeddings"]
    x = embeddings(ids, table["word_embeddings"]["weight"], table["position_embeddings"]["weight"])
    x = layer_norm(x, **table["LayerNorm"], epsilon=epsilon)
    layers = model["transformer"]["layer"]
    for number in range(len(layers)):
        x = block(x, layers[str(number)], heads, epsilon)
    return tag_head(x, model["classifier"])


# ---- the machine


def pack(weight, columns):
    panels = []
    for first in range(0, len(weight), columns):
        panel = np.zeros((weight.shape[1], columns), dtype=np.float32)
        some = weight[first : first + columns]
        panel[:, : len(some)] = some.T
        panels.append(panel)
    return np.stack(panels)


def microtile_rows(registers, vectors):
    rows = 0
    while (rows + 1) * vectors + vectors + 1 <= registers:
        rows += 1
    return rows


def int8_product(x, weight):
    x_scale = np.abs(x).max(axis=1) / 127
    scale = np.abs(weight).max(axis=1) / 127
    x = np.rint(x / x_scale[:, None]).astype(np.int32)
    weight = np.rint(weight / scale[:, None]).astype(np.int32)
    return ((x @ weight.T) * np.outer(x_scale, scale)).astype(np.float32)


def packed_attention(q, k, v, bounds):
    texts = []
    for s in range(len(bounds) - 1):
        own = slice(bounds[s], bounds[s + 1])
        texts.append(softmax(q[own] @ k[own].T) @ v[own])
    return np.concatenate(texts)


def exp(x, coefficients):
    n = np.rint(x / np.float32(math.log(2)))
    r = x - n * np.float32(0.693359375)
    r = r - n * np.float32(-2.1219444400546906e-4)
    total = np.float32(coefficients[0])
    for coefficient in coefficients[1:]:
        total = total * r + np.float32(coefficient)
    return np.ldexp(total, n.astype(np.int32))


def blocked_sum(products, length):
    total = np.float32(0)
    for first in range(0, len(products), length):
        block = np.float32(0)
        for product in products[first : first + length]:
            block += product
        total += block
    return total


def quantise(x):
    scale = np.abs(x).max(axis=1) / np.float32(127)
    divisor = np.where(scale > 0, scale, 1)
    return np.rint(x / divisor[:, None]).astype(np.int8), scale


def share(count, workers):
    shares = []
    for rank in range(workers):
        first = count * rank // workers
        shares.append((first, count * (rank + 1) // workers - first))
    return shares


def load(code, gaps, address):
    code = code.copy()
    for gap in gaps:
        number = int.from_bytes(code[gap : gap + 8].tobytes(), "little") + address
        code[gap : gap + 8] = np.frombuffer(number.to_bytes(8, "little"), dtype=np.uint8)
    return code


def reachable(flops, size, peak, bandwidth):
    return min(peak, bandwidth * flops / size)


# ---- measuring


def median_ratio(ours, theirs):
    ratios = []
    for our_calls, their_calls in zip(ours, theirs, strict=True):
        ratios.append(np.median(their_calls) / np.median(our_calls))
    return float(np.median(ratios))


def f1_score(gold, guess):
    correct = names = 0
    for gold_names, guess_names in zip(gold, guess, strict=True):
        correct += len(set(gold_names) & set(guess_names))
        names += len(gold_names) + len(guess_names)
    return 2 * correct / names if names else 0.0


def f1_interval(correct, total, draws):
    scores = [2 * correct[draw].sum() / total[draw].sum() for draw in draws]
    low, high = np.percentile(scores, [2.5, 97.5])
    return low, high
