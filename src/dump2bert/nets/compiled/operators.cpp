// By the oneDNN inside of MindSpore: GELU, LayerNorm, linear layers and the products of attention in float32, and matrix
// products whose factors are rounded to bfloat16 and whose sums are float32. By loops: dropout, the sums of a conditional
// random field, the norms of gradients, and the updates of Adam and LAMB.
//
// MindSpore calls the functions at the end as custom operators ("aot"): float32 tensors (dropout's keys are int32) in, float32
// tensors out. oneDNN
// cuts the work into as many shares as there are cores that the process may use, at most SHARES, so that the number of
// threads, and which of them takes what, changes no bit of the result.

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <new>
#include <unordered_map>
#include <vector>

#include <oneapi/dnnl/dnnl.hpp>
#include <oneapi/dnnl/dnnl_threadpool.hpp>

namespace {

using dnnl::memory;

constexpr int SHARES = 16;
thread_local bool inside_share = false;

// MindSpore's own threads work for us. Between two operators they look for work without a rest, so threads of ours would
// only wait for theirs. Said by use_threads before the first operator runs.
using Task = std::function<int(void*, int, float, float)>;
int threads_to_use = 1;
void* (*pool)() = nullptr;
int (*launch)(void* pool, const Task& task, void* content, int threads) = nullptr;

class Threads final : public dnnl::threadpool_interop::threadpool_iface {
public:
    int get_num_threads() const override { return SHARES; }
    bool get_in_parallel() const override { return inside_share; }
    uint64_t get_flags() const override { return 0; }

    void parallel_for(int shares, const std::function<void(int, int)>& run) override {
        std::atomic<int> next{0};
        const Task take_shares = [&](void*, int, float, float) {
            inside_share = true;
            for (int share; (share = next.fetch_add(1)) < shares;) run(share, shares);
            inside_share = false;
            return 0;
        };
        const int helpful = std::min({threads_to_use, shares, SHARES});
        if (helpful > 1) launch(pool(), take_shares, nullptr, helpful);
        take_shares(nullptr, 0, 0, 0);    // what is left: all of it, where this thread is the only one
    }
} threads;

// Room for what an operator needs while it runs, used again by the next one.
class Room {
public:
    void* of(size_t bytes) {
        if (bytes > size) {
            std::free(data);
            size = 0;
            const size_t wanted = (bytes + 4095) / 4096 * 4096;
            data = std::aligned_alloc(4096, wanted);
            if (!data) throw std::bad_alloc();
            size = wanted;
        }
        return data;
    }

private:
    void* data = nullptr;
    size_t size = 0;
};

// What a thread that calls operators works with. Each has its own, so that none has to wait for another, which might be
// waiting for this one's share of its work; and oneDNN runs a product on the thread that has made it.
struct Workplace {
    dnnl::engine engine{dnnl::engine::kind::cpu, 0};
    dnnl::stream stream{dnnl::threadpool_interop::make_stream(engine, &threads)};
    Room room_a, room_b;
};

Workplace& workplace() {
    thread_local Workplace* own = new Workplace;    // never destroyed: MindSpore's threads end with the process
    return *own;
}

// A factor: rows x columns, of which memory holds the rows one after the other, or the columns (`transposed`).
memory::desc factor(int64_t batch, int64_t rows, int64_t columns, bool transposed, memory::data_type type) {
    const memory::dims inner = transposed ? memory::dims{1, rows} : memory::dims{columns, 1};
    if (batch == 1) return {{rows, columns}, type, inner};
    return {{batch, rows, columns}, type, {rows * columns, inner[0], inner[1]}};
}

// A factor as it is given, and as it is multiplied.
class Factor {
public:
    Factor() = default;
    Factor(const memory::desc& as_given, const memory::desc& as_wanted, const dnnl::engine& engine)
        : given(as_given, engine, DNNL_MEMORY_NONE), wanted(as_wanted, engine, DNNL_MEMORY_NONE) {
        if (as_given != as_wanted) change = dnnl::reorder(given, wanted);
    }

    const memory& ready(void* data, Room& room, const dnnl::stream& stream) {
        given.set_data_handle(data);
        if (!change) return given;
        wanted.set_data_handle(room.of(wanted.get_desc().get_size()));
        change.execute(stream, given, wanted);
        return wanted;
    }

private:
    memory given, wanted;
    dnnl::reorder change;
};

enum class Type { float32, bfloat16 };

// How the float32 arrays of a product a b = c lie in memory, and what is added to it: a bias, a mask or nothing.
struct Arrays {
    memory::desc a, b, c, bias, mask;
};

// All that is known of a product before its numbers come. Factors in float32 are multiplied as they are given, or b is laid
// out as oneDNN likes it, which doubles the speed of small products (MindSpore leaves it as it is).
class Product {
public:
    Product(Type type, const Arrays& given, bool lay_out_b, const dnnl::engine& engine)
        : c(given.c, engine, DNNL_MEMORY_NONE) {
        const auto at_will = [&](const memory::desc& like) {
            const auto inner = type == Type::float32 ? memory::data_type::f32 : memory::data_type::bf16;
            return memory::desc{like.get_dims(), inner, memory::format_tag::any};
        };
        const bool rounded = type == Type::bfloat16;
        dnnl::primitive_attr mask;
        if (!given.mask.is_zero()) {
            dnnl::post_ops add;
            add.append_binary(dnnl::algorithm::binary_add, given.mask);
            mask.set_post_ops(add);
        }
        const dnnl::matmul::primitive_desc best(engine, rounded ? at_will(given.a) : given.a,
                                                rounded || lay_out_b ? at_will(given.b) : given.b, given.bias, given.c,
                                                mask);
        a = Factor(given.a, best.src_desc(), engine);
        b = Factor(given.b, best.weights_desc(), engine);
        if (!given.bias.is_zero()) {
            added = memory(given.bias, engine, DNNL_MEMORY_NONE);
            added_as = DNNL_ARG_BIAS;
        } else if (!given.mask.is_zero()) {
            added = memory(given.mask, engine, DNNL_MEMORY_NONE);
            added_as = DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1;
        }
        multiply = dnnl::matmul(best);
    }

    // what_is_added: nullptr for nothing
    void run(void* data_a, void* data_b, void* what_is_added, void* data_c, Workplace& at) {
        c.set_data_handle(data_c);
        std::unordered_map<int, memory> given{{DNNL_ARG_SRC, a.ready(data_a, at.room_a, at.stream)},
                                              {DNNL_ARG_WEIGHTS, b.ready(data_b, at.room_b, at.stream)},
                                              {DNNL_ARG_DST, c}};
        if (added) {
            added.set_data_handle(what_is_added);
            given[added_as] = added;
        }
        multiply.execute(at.stream, given);
    }

private:
    Factor a, b;
    memory c, added;
    int added_as = 0;
    dnnl::matmul multiply;
};

// What a thread keeps from one call to the next: one product for each key, made when it is first asked for.
Product& kept(const std::vector<int64_t>& key, const std::function<Product()>& make) {
    thread_local auto* products = new std::map<std::vector<int64_t>, Product>;
    auto found = products->find(key);
    if (found == products->end()) found = products->emplace(key, make()).first;
    return found->second;
}

// a, b -> c, or a, b, bias -> c
void product(Type type, bool transpose_a, bool transpose_b, bool biased, void** data, const int* ranks,
             int64_t** shapes) {
    const int rank = ranks[0], result = biased ? 3 : 2;
    const int64_t* given = shapes[0];
    int64_t batch = 1;
    for (int i = 0; i < rank - 2; i++) batch *= given[i];
    const int64_t m = shapes[result][rank - 2], n = shapes[result][rank - 1], k = given[transpose_a ? rank - 2 : rank - 1];
    Product& ready = kept({0, int64_t(type), transpose_a, transpose_b, biased, batch, m, n, k}, [&] {
        const auto float32 = memory::data_type::f32;
        Arrays of{factor(batch, m, k, transpose_a, float32), factor(batch, k, n, transpose_b, float32),
                  factor(batch, m, n, false, float32), {}, {}};
        if (biased) of.bias = factor(1, 1, n, false, float32);
        return Product(type, of, true, workplace().engine);
    });
    ready.run(data[0], data[1], biased ? data[2] : nullptr, data[result], workplace());
}

// The products of attention. Queries, keys, values and contexts are matrices (batch * length, heads * size), as linear
// layers give and take them, and multiplied where they lie; scores and weights are arrays (batch, heads, length, length).
enum class Attention { scores, weights_gradient, context, transposed_context };

void attention(Attention what, Type type, void** data, int64_t** shapes) {
    // A product of two matrices, else of an array and a matrix.
    const bool of_matrices = what == Attention::scores || what == Attention::weights_gradient;
    const int64_t *array = shapes[of_matrices ? 2 : 0], batch = array[0], heads = array[1], length = array[2];
    const int64_t size = shapes[1][1] / heads;
    Product& ready = kept({1, int64_t(what), int64_t(type), batch, heads, length, size}, [&] {
        const auto float32 = memory::data_type::f32;
        const int64_t row = heads * size, square = length * length;
        const memory::desc matrix{{batch, heads, length, size}, float32, memory::dims{length * row, size, row, 1}};
        const memory::desc transposed{{batch, heads, size, length}, float32, memory::dims{length * row, size, 1, row}};
        const auto weights = [&](const memory::dims& inner) {
            const memory::dims strides{heads * square, square, inner[0], inner[1]};
            return memory::desc{{batch, heads, length, length}, float32, strides};
        };
        const auto plain = weights({length, 1});
        Arrays of{plain, matrix, matrix, {}, {}};
        if (of_matrices) of = {matrix, transposed, plain, {}, {}};
        if (what == Attention::scores) of.mask = plain;
        if (what == Attention::transposed_context) of.a = weights({1, length});
        return Product(type, of, false, workplace().engine);
    });
    ready.run(data[0], data[1], what == Attention::scores ? data[2] : nullptr, data[of_matrices ? 3 : 2], workplace());
}

// x (rows, columns) -> the sum of its rows: of those of each share, then of the shares.
void sum_of_rows(void** data, int64_t** shapes) {
    const int64_t rows = shapes[0][0], columns = shapes[0][1];
    const auto x = static_cast<const float*>(data[0]);
    const auto sums = static_cast<float*>(workplace().room_a.of(SHARES * columns * sizeof(float)));
    const auto add = [columns](float* __restrict__ sum, const float* __restrict__ row) {
        for (int64_t i = 0; i < columns; i++) sum[i] += row[i];
    };
    threads.parallel_for(SHARES, [&](int share, int shares) {
        float* sum = sums + share * columns;
        std::fill_n(sum, columns, 0.0f);
        for (int64_t row = rows * share / shares; row < rows * (share + 1) / shares; row++) add(sum, x + row * columns);
    });
    const auto total = static_cast<float*>(data[1]);
    std::fill_n(total, columns, 0.0f);
    for (int share = 0; share < SHARES; share++) add(total, sums + share * columns);
}

// x (instances * elements), keys (instances, sites, 2), masks (2 pools of rows), place (site, pool) -> x times its mask, which
// nets/operators.py explains
void dropout(void** data, int64_t** shapes, int64_t size) {
    const int64_t instances = shapes[1][0], sites = shapes[1][1], rows = shapes[2][0] / 2, width = shapes[2][1];
    const int64_t elements = size / instances, masks_each = (elements + width - 1) / width;
    const auto x = static_cast<const float*>(data[0]), masks = static_cast<const float*>(data[2]);
    const auto keys = static_cast<const int32_t*>(data[1]), place = static_cast<const int32_t*>(data[3]);
    const auto y = static_cast<float*>(data[4]);
    threads.parallel_for(SHARES, [&](int share, int shares) {
        const int64_t all = instances * masks_each;
        for (int64_t i = all * share / shares; i < all * (share + 1) / shares; i++) {
            const int64_t instance = i / masks_each, number = i % masks_each;
            const int32_t* key = keys + (instance * sites + place[0]) * 2;
            const float* mask = masks + ((key[0] + key[1] * number) % rows + place[1] * rows) * width;
            const int64_t begin = instance * elements + number * width;
            const int64_t end = std::min(begin + width, (instance + 1) * elements);
            for (int64_t j = begin; j < end; j++) y[j] = x[j] * mask[j - begin];
        }
    });
}

// A row-major float32 array of MindSpore's; oneDNN keeps what it compiles for a shape, so nothing is kept here.
memory array(const memory::dims& shape, void* data) {
    const auto row = shape.size() == 1 ? memory::dims{1} : memory::dims{shape[1], 1};
    return {{shape, memory::data_type::f32, row}, workplace().engine, data};
}

struct Gelu {
    memory x;
    dnnl::algorithm algorithm;
    dnnl::eltwise_forward::primitive_desc forward;

    Gelu(bool exact, int64_t** shapes, void** data)
        : x(array({shapes[0][0], shapes[0][1]}, data[0])),
          algorithm(exact ? dnnl::algorithm::eltwise_gelu_erf : dnnl::algorithm::eltwise_gelu_tanh),
          forward(workplace().engine, dnnl::prop_kind::forward_training, algorithm, x.get_desc(), x.get_desc()) {}

    // x -> y
    void value(void** data) const {
        const auto y = memory(x.get_desc(), workplace().engine, data[1]);
        dnnl::eltwise_forward(forward).execute(workplace().stream, {{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, y}});
    }

    // x, dy -> dx
    void gradient(void** data) const {
        const auto like = x.get_desc();
        const dnnl::eltwise_backward::primitive_desc backward(workplace().engine, algorithm, like, like, like, forward);
        const auto dy = memory(like, workplace().engine, data[1]), dx = memory(like, workplace().engine, data[2]);
        dnnl::eltwise_backward(backward).execute(
            workplace().stream, {{DNNL_ARG_SRC, x}, {DNNL_ARG_DIFF_DST, dy}, {DNNL_ARG_DIFF_SRC, dx}});
    }
};

struct LayerNorm {
    static constexpr auto WITH_WEIGHTS =
        static_cast<dnnl::normalization_flags>(dnnl_use_scale | dnnl_use_shift);

    memory::dims rows, features, all;
    memory x, weight;
    float eps;
    dnnl::layer_normalization_forward::primitive_desc forward;

    // data begins with x, weight, eps
    LayerNorm(int64_t** shapes, void** data)
        : rows{shapes[0][0]}, features{shapes[0][1]}, all{shapes[0][0], shapes[0][1]}, x(array(all, data[0])),
          weight(array(features, data[1])), eps(*static_cast<const float*>(data[2])),
          forward(workplace().engine, dnnl::prop_kind::forward_training, x.get_desc(), x.get_desc(),
                  array(rows, nullptr).get_desc(), eps, WITH_WEIGHTS) {}

    // x, weight, eps, bias -> y, mean, variance
    void value(void** data) const {
        dnnl::layer_normalization_forward(forward).execute(
            workplace().stream, {{DNNL_ARG_SRC, x}, {DNNL_ARG_SCALE, weight}, {DNNL_ARG_SHIFT, array(features, data[3])},
                               {DNNL_ARG_DST, array(all, data[4])}, {DNNL_ARG_MEAN, array(rows, data[5])},
                               {DNNL_ARG_VARIANCE, array(rows, data[6])}});
    }

    // x, weight, eps, mean, variance, dy -> dx, gradients of the weight and of the bias
    void gradient(void** data) const {
        const dnnl::layer_normalization_backward::primitive_desc backward(
            workplace().engine, dnnl::prop_kind::backward, x.get_desc(), x.get_desc(), x.get_desc(),
            array(rows, nullptr).get_desc(), eps, WITH_WEIGHTS, forward);
        dnnl::layer_normalization_backward(backward).execute(
            workplace().stream, {{DNNL_ARG_SRC, x}, {DNNL_ARG_SCALE, weight}, {DNNL_ARG_MEAN, array(rows, data[3])},
                               {DNNL_ARG_VARIANCE, array(rows, data[4])}, {DNNL_ARG_DIFF_DST, array(all, data[5])},
                               {DNNL_ARG_DIFF_SRC, array(all, data[6])}, {DNNL_ARG_DIFF_SCALE, array(features, data[7])},
                               {DNNL_ARG_DIFF_SHIFT, array(features, data[8])}});
    }
};

// The log of the sum of the exponentials of x + y.
double log_sum(const double* x, const double* y, int64_t size) {
    double top = x[0] + y[0], sum = 0;
    for (int64_t i = 1; i < size; i++) top = std::max(top, x[i] + y[i]);
    for (int64_t i = 0; i < size; i++) sum += std::exp(x[i] + y[i] - top);
    return top + std::log(sum);
}

// The tables of a conditional random field of `count` labels, as nets/crf.py has them, in float64: in float32 a label that only
// unlikely labels lead to, by a factor of e^87, would be lost.
struct Tables {
    static constexpr double SMALLEST = 1e-300, MOST = 700;    // that float64 holds, and of which it holds the exponential
    int64_t count;
    std::vector<double> leading, start, end;    // leading: the exponentials of the transitions

    Tables(int64_t count, const float* transitions, const float* start, const float* end)
        : count(count), leading(transitions, transitions + count * count), start(start, start + count),
          end(end, end + count) {
        for (double& x : leading) x = std::exp(x);
    }

    // x, the log sums of what ends in a label -> to, those of what goes on from there to each label; or, from the back, those
    // of what begins in a label -> of what leads to it from each.
    void step(const double* x, double* to, bool from_the_back) const {
        const double top = *std::max_element(x, x + count);
        std::fill_n(to, count, 0.0);
        for (int64_t i = 0; i < count; i++) {
            const double at = std::exp(x[i] - top);
            const double* row = &leading[from_the_back ? i : i * count];
            for (int64_t j = 0; j < count; j++) to[j] += at * row[from_the_back ? j * count : j];
        }
        for (int64_t j = 0; j < count; j++) to[j] = std::log(to[j] + SMALLEST) + top;
    }
};

// What the rows of a share add up to.
struct RowSums {
    double value = 0;
    std::vector<double> steps, start, end;

    explicit RowSums(int64_t count) : steps(count * count), start(count), end(count) {}

    // One row of `length` tokens: emissions (length, count) -> the gradients by them
    void add(const Tables& tables, const float* emissions, int64_t length, double weight, float* gradients) {
        const int64_t count = tables.count;
        // Log sums of what may stand before a label, of the same with it, and of what may stand behind it.
        std::vector<double> front(length * count), ending(length * count), back(length * count), beginning(count);
        for (int64_t t = 0; t < length; t++) {
            double* now = &front[t * count];
            if (t) tables.step(&ending[(t - 1) * count], now, false);
            else std::copy(tables.start.begin(), tables.start.end(), now);
            for (int64_t k = 0; k < count; k++) ending[t * count + k] = now[k] + emissions[t * count + k];
        }
        for (int64_t t = length - 1; t >= 0; t--) {
            double* now = &back[t * count];
            if (t < length - 1) tables.step(beginning.data(), now, true);
            else std::copy(tables.end.begin(), tables.end.end(), now);
            for (int64_t k = 0; k < count; k++) beginning[k] = now[k] + emissions[t * count + k];
        }
        const double total = log_sum(&ending[0], &back[0], count);
        value += weight * total;
        std::vector<double> labels(count), first(count), second(count);    // probabilities, and their factors for pairs
        for (int64_t t = 0; t < length; t++) {
            for (int64_t k = 0; k < count; k++) {
                labels[k] = weight * std::exp(ending[t * count + k] + back[t * count + k] - total);
                gradients[t * count + k] = float(labels[k]);
                if (t == 0) start[k] += labels[k];
                if (t == length - 1) end[k] += labels[k];
            }
            if (t == 0) continue;
            // Two labels in a row: the probability of the second, times the share of the first in what leads to it.
            const double* before = &ending[(t - 1) * count];
            const double top = *std::max_element(before, before + count);
            for (int64_t k = 0; k < count; k++) {
                first[k] = std::exp(before[k] - top);
                second[k] = labels[k] * std::exp(std::min(top - front[t * count + k], Tables::MOST));
            }
            for (int64_t i = 0; i < count; i++)
                for (int64_t j = 0; j < count; j++) steps[i * count + j] += first[i] * second[j];
        }
    }
};

// emissions (B, L, K), mask (B, L), weights (B,), transitions (K, K), start (K,), end (K,) -> the value (1,) and its gradients by
// emissions, transitions, start and end of nets/crf.py's LogPartition
void log_partition(void** data, int64_t** shapes) {
    const int64_t batch = shapes[0][0], length = shapes[0][1], count = shapes[0][2];
    const auto array = [&](int number) { return static_cast<float*>(data[number]); };
    const Tables tables(count, array(3), array(4), array(5));
    std::vector<RowSums> sums(SHARES, RowSums(count));
    std::fill_n(array(7), batch * length * count, 0.0f);
    threads.parallel_for(SHARES, [&](int share, int shares) {
        for (int64_t row = batch * share / shares; row < batch * (share + 1) / shares; row++) {
            const float* mask = array(1) + row * length;
            const int64_t tokens = std::find(mask, mask + length, 0.0f) - mask, first = row * length * count;
            if (tokens) sums[share].add(tables, array(0) + first, tokens, array(2)[row], array(7) + first);
        }
    });
    for (int share = 1; share < SHARES; share++) {
        const auto add = [](std::vector<double>& to, const std::vector<double>& x) {
            for (size_t i = 0; i < x.size(); i++) to[i] += x[i];
        };
        sums[0].value += sums[share].value;
        add(sums[0].steps, sums[share].steps), add(sums[0].start, sums[share].start), add(sums[0].end, sums[share].end);
    }
    for (int64_t i = 0; i < count * count; i++) array(8)[i] = float(sums[0].steps[i] * tables.leading[i]);
    *array(6) = float(sums[0].value);
    std::copy(sums[0].start.begin(), sums[0].start.end(), array(9));
    std::copy(sums[0].end.begin(), sums[0].end.end(), array(10));
}

int64_t size_of(int rank, const int64_t* shape) {
    int64_t size = 1;
    for (int i = 0; i < rank; i++) size *= shape[i];
    return size;
}

// What optimizers do goes over all arrays of a network at once, in blocks, each of which is one thread's.
constexpr int64_t BLOCK = 1 << 14;

struct Block {
    int array;
    int64_t begin, size;
};

// shapes: of `count` arrays
std::vector<Block> blocks_of(int count, const int* ranks, int64_t** shapes) {
    std::vector<Block> blocks;
    for (int array = 0; array < count; array++) {
        const int64_t size = size_of(ranks[array], shapes[array]);
        for (int64_t begin = 0; begin < size; begin += BLOCK) blocks.push_back({array, begin, std::min(BLOCK, size - begin)});
    }
    return blocks;
}

// work(block) -> a number -> the sum of these numbers for each array, in the order of its blocks
template <typename Work>
std::vector<double> sums_of(const std::vector<Block>& blocks, int count, const Work& work) {
    std::vector<double> of_blocks(blocks.size()), sums(count);
    threads.parallel_for(int(blocks.size()), [&](int i, int) { of_blocks[i] = work(blocks[i]); });
    for (size_t i = 0; i < blocks.size(); i++) sums[blocks[i].array] += of_blocks[i];
    return sums;
}

// The sum of the squares of f(i) for all i < size, added up in as many places as suit vector instructions.
template <typename F>
double sum_of_squares(int64_t size, const F& f) {
    constexpr int PLACES = 16;
    float sums[PLACES] = {};
    const int64_t rest = size - size % PLACES;
    for (int64_t begin = 0; begin < rest; begin += PLACES)
        for (int i = 0; i < PLACES; i++) sums[i] += f(begin + i) * f(begin + i);
    double total = 0;
    for (const float sum : sums) total += sum;
    for (int64_t i = rest; i < size; i++) total += double(f(i)) * f(i);
    return total;
}

// arrays -> the sum of the squares of each
void squared_norms(int count, void** data, const int* ranks, int64_t** shapes) {
    const auto sums = sums_of(blocks_of(count, ranks, shapes), count, [&](const Block& block) {
        const float* x = static_cast<const float*>(data[block.array]) + block.begin;
        return sum_of_squares(block.size, [x](int64_t i) { return x[i]; });
    });
    std::copy(sums.begin(), sums.end(), static_cast<float*>(data[count]));
}

// Weights, their moments and their gradients, of which Adam and LAMB make a step.
struct Optimized {
    struct Schedule { float rate, correction1, correction2; } now;    // what changes from one update to the next
    struct Constants { float beta1, rest1, beta2, rest2, eps; } always;    // rest: 1 - beta
    float factor, decay;    // of the gradient, of the weight
    float *w, *m, *v;
    const float* g;

    // data: the schedule, the constants, factors, decays, `count` weights, first moments, second moments, gradients
    Optimized(int count, void** data, const Block& block)
        : now(*static_cast<Schedule*>(data[0])), always(*static_cast<Constants*>(data[1])),
          factor(static_cast<float*>(data[2])[block.array]), decay(static_cast<float*>(data[3])[block.array]) {
        const auto of = [&](int kind) { return static_cast<float*>(data[4 + kind * count + block.array]) + block.begin; };
        w = of(0), m = of(1), v = of(2), g = of(3);
    }

    void update_moments(int64_t i) const {
        const float gradient = g[i] * factor;
        m[i] = always.beta1 * m[i] + always.rest1 * gradient;
        v[i] = always.beta2 * v[i] + always.rest2 * gradient * gradient;
    }

    float step(int64_t i) const {
        return m[i] * now.correction1 / (std::sqrt(v[i]) * now.correction2 + always.eps) + decay * w[i];
    }
};

void adam(int count, const std::vector<Block>& blocks, void** data) {
    threads.parallel_for(int(blocks.size()), [&](int i, int) {
        const Optimized at(count, data, blocks[i]);
        for (int64_t j = 0; j < blocks[i].size; j++) {
            at.update_moments(j);
            at.w[j] -= at.now.rate * at.step(j);
        }
    });
}

void lamb(int count, const std::vector<Block>& blocks, void** data) {
    const auto steps = sums_of(blocks, count, [&](const Block& block) {
        const Optimized at(count, data, block);
        for (int64_t i = 0; i < block.size; i++) at.update_moments(i);
        return sum_of_squares(block.size, [&](int64_t i) { return at.step(i); });
    });
    const auto weights = sums_of(blocks, count, [&](const Block& block) {
        const Optimized at(count, data, block);
        return sum_of_squares(block.size, [&](int64_t i) { return at.w[i]; });
    });
    threads.parallel_for(int(blocks.size()), [&](int i, int) {
        const Optimized at(count, data, blocks[i]);
        const double step = steps[blocks[i].array], weight = weights[blocks[i].array];
        const float rate = at.now.rate * (step > 0 && weight > 0 ? float(std::sqrt(weight / step)) : 1.0f);
        for (int64_t j = 0; j < blocks[i].size; j++) at.w[j] -= rate * at.step(j);
    });
}

// The weights' shapes are the fifth and following ones.
void update(void (*optimizer)(int, const std::vector<Block>&, void**), int tensors, void** data, const int* ranks,
            int64_t** shapes) {
    const int count = (tensors - 5) / 4;
    optimizer(count, blocks_of(count, ranks + 4, shapes + 4), data);
    *static_cast<float*>(data[tensors - 1]) = 1;
}

template <typename Work>
int done(int tensors, int expected, const Work& work) {
    if (tensors != expected) return 1;
    try {
        work();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "a compiled operator failed: %s\n", error.what());
        return 1;
    }
    return 0;
}

}  // namespace

#define OPERATOR(name, expected, work)                                                                              \
    extern "C" int name(int tensors, void** data, int* ranks, int64_t** shapes, const char**, void*, void*) {       \
        (void)ranks;                                                                                                \
        return done(tensors, expected, [&] { work; });                                                              \
    }

extern "C" void use_threads(int count, void* (*pool_of_mindspore)(), int (*parallel_launch)(void*, const Task&, void*, int)) {
    threads_to_use = count;
    pool = pool_of_mindspore;
    launch = parallel_launch;
}

OPERATOR(attention_scores_float32, 4, attention(Attention::scores, Type::float32, data, shapes))
OPERATOR(attention_scores_bfloat16, 4, attention(Attention::scores, Type::bfloat16, data, shapes))
OPERATOR(attention_weights_gradient_float32, 4, attention(Attention::weights_gradient, Type::float32, data, shapes))
OPERATOR(attention_weights_gradient_bfloat16, 4, attention(Attention::weights_gradient, Type::bfloat16, data, shapes))
OPERATOR(attention_context_float32, 3, attention(Attention::context, Type::float32, data, shapes))
OPERATOR(attention_context_bfloat16, 3, attention(Attention::context, Type::bfloat16, data, shapes))
OPERATOR(attention_transposed_context_float32, 3, attention(Attention::transposed_context, Type::float32, data, shapes))
OPERATOR(attention_transposed_context_bfloat16, 3, attention(Attention::transposed_context, Type::bfloat16, data, shapes))
OPERATOR(linear_float32, 4, product(Type::float32, false, true, true, data, ranks, shapes))
OPERATOR(linear_bfloat16, 4, product(Type::bfloat16, false, true, true, data, ranks, shapes))
OPERATOR(product_nn_float32, 3, product(Type::float32, false, false, false, data, ranks, shapes))
OPERATOR(product_nn_bfloat16, 3, product(Type::bfloat16, false, false, false, data, ranks, shapes))
OPERATOR(product_nt_bfloat16, 3, product(Type::bfloat16, false, true, false, data, ranks, shapes))
OPERATOR(product_tn_float32, 3, product(Type::float32, true, false, false, data, ranks, shapes))
OPERATOR(product_tn_bfloat16, 3, product(Type::bfloat16, true, false, false, data, ranks, shapes))
OPERATOR(sum_of_rows, 2, sum_of_rows(data, shapes))
OPERATOR(dropout, 5, dropout(data, shapes, size_of(ranks[0], shapes[0])))
OPERATOR(log_partition, 11, log_partition(data, shapes))
OPERATOR(squared_norms, tensors, squared_norms(tensors - 1, data, ranks, shapes))
OPERATOR(adam, tensors, update(adam, tensors, data, ranks, shapes))
OPERATOR(lamb, tensors, update(lamb, tensors, data, ranks, shapes))
OPERATOR(gelu, 2, Gelu(true, shapes, data).value(data))
OPERATOR(gelu_gradient, 3, Gelu(true, shapes, data).gradient(data))
OPERATOR(gelu_new, 2, Gelu(false, shapes, data).value(data))
OPERATOR(gelu_new_gradient, 3, Gelu(false, shapes, data).gradient(data))
OPERATOR(layer_norm, 7, LayerNorm(shapes, data).value(data))
OPERATOR(layer_norm_gradient, 9, LayerNorm(shapes, data).gradient(data))
