// GELU, LayerNorm and matrix products whose factors are rounded to bfloat16 and whose sums are float32, by the oneDNN
// inside of MindSpore.
//
// MindSpore calls the functions at the end as custom operators ("aot"): float32 tensors in, float32 tensors out. The work
// is always cut into the same SHARES, so that the number of threads, and which of them takes what, changes no bit of the
// result.

#include <pthread.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <tuple>

#include <oneapi/dnnl/dnnl.hpp>
#include <oneapi/dnnl/dnnl_threadpool.hpp>

namespace {

using dnnl::memory;

constexpr int SHARES = 16;
thread_local bool inside_share = false;

int threads_to_use = 1;    // said by use_threads before the first operator runs

// The threads that oneDNN works with, the caller among them.
class Threads final : public dnnl::threadpool_interop::threadpool_iface {
public:
    explicit Threads(int count) {
        for (int i = 1; i < count && i < SHARES; i++) {
            std::thread thread([this] { work(); });
            pthread_setname_np(thread.native_handle(), "dump2bert");
            thread.detach();
        }
    }

    int get_num_threads() const override { return SHARES; }
    bool get_in_parallel() const override { return inside_share; }
    uint64_t get_flags() const override { return 0; }

    void parallel_for(int shares, const std::function<void(int, int)>& run) override {
        job = &run;
        count = shares;
        done = 0;
        left = shares;    // from here on the others may take shares
        round.fetch_add(1);
        round.notify_all();
        while (take_share()) {}
        for (int seen; (seen = done) < shares;) done.wait(seen);
    }

private:
    const std::function<void(int, int)>* job = nullptr;    // these two change only while no share is left
    int count = 0;
    std::atomic<int> left{0}, done{0}, round{0};

    bool take_share() {
        const int share = left.fetch_sub(1) - 1;
        if (share < 0) return false;
        const int last = count;
        inside_share = true;
        (*job)(share, last);
        inside_share = false;
        if (done.fetch_add(1) + 1 == last) done.notify_one();
        return true;
    }

    void work() {
        for (;;) {
            const int seen = round;
            while (take_share()) {}
            round.wait(seen);
        }
    }
};

// Room for a factor in bfloat16, used again by every product.
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
    Threads threads{threads_to_use};
    dnnl::stream stream{dnnl::threadpool_interop::make_stream(engine, &threads)};
    Room room_a, room_b;
    std::mutex one_at_a_time;
};

Machine& machine() {
    static Machine* only = new Machine;    // never destroyed: its threads end with the process
    return *only;
}

// A factor: rows x columns, of which memory holds the rows one after the other, or the columns (`transposed`).
memory::desc factor(int64_t batch, int64_t rows, int64_t columns, bool transposed, memory::data_type type) {
    const memory::dims inner = transposed ? memory::dims{1, rows} : memory::dims{columns, 1};
    if (batch == 1) return {{rows, columns}, type, inner};
    return {{batch, rows, columns}, type, {rows * columns, inner[0], inner[1]}};
}

memory::desc laid_out_at_will(const memory::desc& like) {
    return {like.get_dims(), memory::data_type::bf16, memory::format_tag::any};
}

// All that is known of a product before its numbers come.
struct Product {
    using Key = std::tuple<bool, bool, int64_t, int64_t, int64_t, int64_t>;

    memory a, b, c, half_a, half_b;
    dnnl::reorder round_a, round_b;
    dnnl::matmul multiply;

    Product(const Key& key, const dnnl::engine& engine) {
        const auto [transpose_a, transpose_b, batch, m, n, k] = key;
        const auto float32 = memory::data_type::f32;
        const auto given_a = factor(batch, m, k, transpose_a, float32);
        const auto given_b = factor(batch, k, n, transpose_b, float32);
        const auto result = factor(batch, m, n, false, float32);
        const dnnl::matmul::primitive_desc best(engine, laid_out_at_will(given_a), laid_out_at_will(given_b), result);
        a = memory(given_a, engine, DNNL_MEMORY_NONE);
        b = memory(given_b, engine, DNNL_MEMORY_NONE);
        c = memory(result, engine, DNNL_MEMORY_NONE);
        half_a = memory(best.src_desc(), engine, DNNL_MEMORY_NONE);
        half_b = memory(best.weights_desc(), engine, DNNL_MEMORY_NONE);
        round_a = dnnl::reorder(a, half_a);
        round_b = dnnl::reorder(b, half_b);
        multiply = dnnl::matmul(best);
    }

    void run(void** data, Machine& on) {
        a.set_data_handle(data[0]);
        b.set_data_handle(data[1]);
        c.set_data_handle(data[2]);
        half_a.set_data_handle(on.room_a.of(half_a.get_desc().get_size()));
        half_b.set_data_handle(on.room_b.of(half_b.get_desc().get_size()));
        round_a.execute(on.stream, a, half_a);
        round_b.execute(on.stream, b, half_b);
        multiply.execute(on.stream, {{DNNL_ARG_SRC, half_a}, {DNNL_ARG_WEIGHTS, half_b}, {DNNL_ARG_DST, c}});
    }
};

void product(bool transpose_a, bool transpose_b, void** data, const int* ranks, int64_t** shapes) {
    static std::map<Product::Key, Product> known;
    const int rank = ranks[0];
    int64_t batch = 1;
    for (int i = 0; i < rank - 2; i++) batch *= shapes[0][i];
    const int64_t m = shapes[2][rank - 2], n = shapes[2][rank - 1], k = shapes[0][transpose_a ? rank - 2 : rank - 1];
    const Product::Key key(transpose_a, transpose_b, batch, m, n, k);
    auto found = known.find(key);
    if (found == known.end()) found = known.emplace(key, Product(key, machine().engine)).first;
    found->second.run(data, machine());
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

extern "C" void use_threads(int count) { threads_to_use = count; }

OPERATOR(product_nt, 3, product(false, true, data, ranks, shapes))
OPERATOR(product_nn, 3, product(false, false, data, ranks, shapes))
OPERATOR(product_tn, 3, product(true, false, data, ranks, shapes))
OPERATOR(gelu, 2, Gelu(true, shapes, data).value(data))
OPERATOR(gelu_gradient, 3, Gelu(true, shapes, data).gradient(data))
OPERATOR(gelu_new, 2, Gelu(false, shapes, data).value(data))
OPERATOR(gelu_new_gradient, 3, Gelu(false, shapes, data).gradient(data))
OPERATOR(layer_norm, 7, LayerNorm(shapes, data).value(data))
OPERATOR(layer_norm_gradient, 9, LayerNorm(shapes, data).gradient(data))
