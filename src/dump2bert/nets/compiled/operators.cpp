// GELU, LayerNorm and linear layers in float32, and matrix products whose factors are rounded to bfloat16 and whose sums are
// float32, by the oneDNN inside of MindSpore.
//
// MindSpore calls the functions at the end as custom operators ("aot"): float32 tensors in, float32 tensors out. The work
// is always cut into the same SHARES, so that the number of threads, and which of them takes what, changes no bit of the
// result.

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <tuple>
#include <unordered_map>

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
        if (threads_to_use > 1) launch(pool(), take_shares, nullptr, threads_to_use);
        take_shares(nullptr, 0, 0, 0);    // what is left: all of it, where this thread is the only one
    }
};

// Room for what an operator needs while it runs, used again by the next one.
class Room {
public:
    void* of(size_t bytes) {
        if (bytes > size) {
            std::free(data);
            size = (bytes + 4095) / 4096 * 4096;
            data = std::aligned_alloc(4096, size);
            if (!data) throw std::bad_alloc();
        }
        return data;
    }

private:
    void* data = nullptr;
    size_t size = 0;
};

struct Machine {
    dnnl::engine engine{dnnl::engine::kind::cpu, 0};
    Threads threads;
    dnnl::stream stream{dnnl::threadpool_interop::make_stream(engine, &threads)};
    Room room_a, room_b;
    std::mutex one_at_a_time;
};

Machine& machine() {
    static Machine* only = new Machine;    // never destroyed: operators may run until the process ends
    return *only;
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

// All that is known of a product, or of a product plus a bias, before its numbers come. Where it is one of float32, its
// first factor, which has a row for each token, is multiplied as it is given. The second is laid out as oneDNN likes it,
// which doubles the speed of small products (MindSpore leaves both as they are).
struct Product {
    using Key = std::tuple<Type, bool, bool, bool, int64_t, int64_t, int64_t, int64_t>;

    Factor a, b;
    memory bias, c;
    dnnl::matmul multiply;

    Product(const Key& key, const dnnl::engine& engine) {
        const auto [type, transpose_a, transpose_b, biased, batch, m, n, k] = key;
        const auto float32 = memory::data_type::f32;
        const auto inner = type == Type::float32 ? float32 : memory::data_type::bf16;
        const auto given_a = factor(batch, m, k, transpose_a, float32);
        const auto given_b = factor(batch, k, n, transpose_b, float32);
        const auto result = factor(batch, m, n, false, float32);
        const auto at_will = [&](const memory::desc& like) {
            return memory::desc{like.get_dims(), inner, memory::format_tag::any};
        };
        const auto row = biased ? factor(1, 1, n, false, float32) : memory::desc{};
        const dnnl::matmul::primitive_desc best(engine, type == Type::float32 ? given_a : at_will(given_a),
                                                at_will(given_b), row, result);
        a = Factor(given_a, best.src_desc(), engine);
        b = Factor(given_b, best.weights_desc(), engine);
        c = memory(result, engine, DNNL_MEMORY_NONE);
        if (biased) bias = memory(row, engine, DNNL_MEMORY_NONE);
        multiply = dnnl::matmul(best);
    }

    // a, b -> c, or a, b, bias -> c
    void run(void** data, Machine& on) {
        std::unordered_map<int, memory> given{{DNNL_ARG_SRC, a.ready(data[0], on.room_a, on.stream)},
                                              {DNNL_ARG_WEIGHTS, b.ready(data[1], on.room_b, on.stream)}};
        void** rest = data + 2;
        if (bias) {
            bias.set_data_handle(*rest++);
            given[DNNL_ARG_BIAS] = bias;
        }
        c.set_data_handle(*rest);
        given[DNNL_ARG_DST] = c;
        multiply.execute(on.stream, given);
    }
};

void product(Type type, bool transpose_a, bool transpose_b, bool biased, void** data, const int* ranks,
             int64_t** shapes) {
    static std::map<Product::Key, Product> known;
    const int rank = ranks[0];
    const int64_t *a = shapes[0], *c = shapes[biased ? 3 : 2];
    int64_t batch = 1;
    for (int i = 0; i < rank - 2; i++) batch *= a[i];
    const Product::Key key(type, transpose_a, transpose_b, biased, batch, c[rank - 2], c[rank - 1],
                           a[transpose_a ? rank - 2 : rank - 1]);
    auto found = known.find(key);
    if (found == known.end()) found = known.emplace(key, Product(key, machine().engine)).first;
    found->second.run(data, machine());
}

// x (rows, columns) -> the sums of its columns: of the rows of each share, then of the shares.
void sum_of_rows(void** data, int64_t** shapes) {
    const int64_t rows = shapes[0][0], columns = shapes[0][1];
    const auto x = static_cast<const float*>(data[0]);
    const auto sums = static_cast<float*>(machine().room_a.of(SHARES * columns * sizeof(float)));
    const auto add = [columns](float* __restrict__ sum, const float* __restrict__ row) {
        for (int64_t i = 0; i < columns; i++) sum[i] += row[i];
    };
    machine().threads.parallel_for(SHARES, [&](int share, int shares) {
        float* sum = sums + share * columns;
        std::fill_n(sum, columns, 0.0f);
        for (int64_t row = rows * share / shares; row < rows * (share + 1) / shares; row++) add(sum, x + row * columns);
    });
    const auto total = static_cast<float*>(data[1]);
    std::fill_n(total, columns, 0.0f);
    for (int share = 0; share < SHARES; share++) add(total, sums + share * columns);
}

// A row-major float32 array of MindSpore's; oneDNN keeps what it compiles for a shape, so nothing is kept here.
memory array(const memory::dims& shape, void* data) {
    const auto row = shape.size() == 1 ? memory::dims{1} : memory::dims{shape[1], 1};
    return {{shape, memory::data_type::f32, row}, machine().engine, data};
}

struct Gelu {
    memory x;
    dnnl::algorithm algorithm;
    dnnl::eltwise_forward::primitive_desc forward;

    Gelu(bool exact, int64_t** shapes, void** data)
        : x(array({shapes[0][0], shapes[0][1]}, data[0])),
          algorithm(exact ? dnnl::algorithm::eltwise_gelu_erf : dnnl::algorithm::eltwise_gelu_tanh),
          forward(machine().engine, dnnl::prop_kind::forward_training, algorithm, x.get_desc(), x.get_desc()) {}

    // x -> y
    void value(void** data) const {
        const auto y = memory(x.get_desc(), machine().engine, data[1]);
        dnnl::eltwise_forward(forward).execute(machine().stream, {{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, y}});
    }

    // x, dy -> dx
    void gradient(void** data) const {
        const auto like = x.get_desc();
        const dnnl::eltwise_backward::primitive_desc backward(machine().engine, algorithm, like, like, like, forward);
        const auto dy = memory(like, machine().engine, data[1]), dx = memory(like, machine().engine, data[2]);
        dnnl::eltwise_backward(backward).execute(
            machine().stream, {{DNNL_ARG_SRC, x}, {DNNL_ARG_DIFF_DST, dy}, {DNNL_ARG_DIFF_SRC, dx}});
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
          forward(machine().engine, dnnl::prop_kind::forward_training, x.get_desc(), x.get_desc(),
                  array(rows, nullptr).get_desc(), eps, WITH_WEIGHTS) {}

    // x, weight, eps, bias -> y, mean, variance
    void value(void** data) const {
        dnnl::layer_normalization_forward(forward).execute(
            machine().stream, {{DNNL_ARG_SRC, x}, {DNNL_ARG_SCALE, weight}, {DNNL_ARG_SHIFT, array(features, data[3])},
                               {DNNL_ARG_DST, array(all, data[4])}, {DNNL_ARG_MEAN, array(rows, data[5])},
                               {DNNL_ARG_VARIANCE, array(rows, data[6])}});
    }

    // x, weight, eps, mean, variance, dy -> dx, gradients of the weight and of the bias
    void gradient(void** data) const {
        const dnnl::layer_normalization_backward::primitive_desc backward(
            machine().engine, dnnl::prop_kind::backward, x.get_desc(), x.get_desc(), x.get_desc(),
            array(rows, nullptr).get_desc(), eps, WITH_WEIGHTS, forward);
        dnnl::layer_normalization_backward(backward).execute(
            machine().stream, {{DNNL_ARG_SRC, x}, {DNNL_ARG_SCALE, weight}, {DNNL_ARG_MEAN, array(rows, data[3])},
                               {DNNL_ARG_VARIANCE, array(rows, data[4])}, {DNNL_ARG_DIFF_DST, array(all, data[5])},
                               {DNNL_ARG_DIFF_SRC, array(all, data[6])}, {DNNL_ARG_DIFF_SCALE, array(features, data[7])},
                               {DNNL_ARG_DIFF_SHIFT, array(features, data[8])}});
    }
};

template <typename Work>
int done(int tensors, int expected, const Work& work) {
    if (tensors != expected) return 1;
    const std::lock_guard<std::mutex> lock(machine().one_at_a_time);
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

OPERATOR(linear_float32, 4, product(Type::float32, false, true, true, data, ranks, shapes))
OPERATOR(linear_bfloat16, 4, product(Type::bfloat16, false, true, true, data, ranks, shapes))
OPERATOR(product_nn_float32, 3, product(Type::float32, false, false, false, data, ranks, shapes))
OPERATOR(product_nn_bfloat16, 3, product(Type::bfloat16, false, false, false, data, ranks, shapes))
OPERATOR(product_nt_bfloat16, 3, product(Type::bfloat16, false, true, false, data, ranks, shapes))
OPERATOR(product_tn_float32, 3, product(Type::float32, true, false, false, data, ranks, shapes))
OPERATOR(product_tn_bfloat16, 3, product(Type::bfloat16, true, false, false, data, ranks, shapes))
OPERATOR(sum_of_rows, 2, sum_of_rows(data, shapes))
OPERATOR(gelu, 2, Gelu(true, shapes, data).value(data))
OPERATOR(gelu_gradient, 3, Gelu(true, shapes, data).gradient(data))
OPERATOR(gelu_new, 2, Gelu(false, shapes, data).value(data))
OPERATOR(gelu_new_gradient, 3, Gelu(false, shapes, data).gradient(data))
OPERATOR(layer_norm, 7, LayerNorm(shapes, data).value(data))
OPERATOR(layer_norm_gradient, 9, LayerNorm(shapes, data).gradient(data))
