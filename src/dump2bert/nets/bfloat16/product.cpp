// Matrix products whose factors are rounded to bfloat16 and whose sums are float32, by the oneDNN inside of MindSpore.
//
// MindSpore calls product_nt, product_nn and product_tn as custom operators ("aot"): two float32 tensors in, one out.
// The work of a product is always cut into the same SHARES, so that the number of threads, and which of them takes what,
// changes no bit of the result.

#include <sched.h>

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

int usable_cores() {
    const char* said = std::getenv("OMP_NUM_THREADS");
    if (said && std::atoi(said) > 0) return std::atoi(said);
    cpu_set_t cores;
    return sched_getaffinity(0, sizeof(cores), &cores) ? 1 : CPU_COUNT(&cores);
}

// The threads that oneDNN works with: the caller and as many others as there are cores.
class Threads final : public dnnl::threadpool_interop::threadpool_iface {
public:
    explicit Threads(int count) {
        for (int i = 1; i < count && i < SHARES; i++) std::thread([this] { work(); }).detach();
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
    Threads threads{usable_cores()};
    dnnl::stream stream{dnnl::threadpool_interop::make_stream(engine, &threads)};
    Room room_a, room_b;
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

int product(bool transpose_a, bool transpose_b, int tensors, void** data, int* ranks, int64_t** shapes) {
    static std::mutex one_at_a_time;
    static std::map<Product::Key, Product> known;
    if (tensors != 3) return 1;
    const int rank = ranks[0];
    int64_t batch = 1;
    for (int i = 0; i < rank - 2; i++) batch *= shapes[0][i];
    const int64_t m = shapes[2][rank - 2], n = shapes[2][rank - 1], k = shapes[0][transpose_a ? rank - 2 : rank - 1];
    const Product::Key key(transpose_a, transpose_b, batch, m, n, k);
    const std::lock_guard<std::mutex> lock(one_at_a_time);
    try {
        auto found = known.find(key);
        if (found == known.end()) found = known.emplace(key, Product(key, machine().engine)).first;
        found->second.run(data, machine());
    } catch (const std::exception& error) {
        std::fprintf(stderr, "a product in bfloat16 failed: %s\n", error.what());
        return 1;
    }
    return 0;
}

}  // namespace

#define OPERATOR(name, transpose_a, transpose_b)                                                               \
    extern "C" int name(int tensors, void** data, int* ranks, int64_t** shapes, const char**, void*, void*) {  \
        return product(transpose_a, transpose_b, tensors, data, ranks, shapes);                                \
    }

OPERATOR(product_nt, false, true)
OPERATOR(product_nn, false, false)
OPERATOR(product_tn, true, false)
