/* SPDX-License-Identifier: MIT */
/* IHostMalloc: rows H of docs/semantics.md. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "face.h"

static IHostMalloc *create(DWORD type)
{
    IHostMalloc *heap = NULL;
    assert_result(IHostMemoryManager_CreateMalloc(manager, type, &heap), S_OK);
    assert_non_null(heap);
    return heap;
}

static char *alloc(IHostMalloc *heap, size_t size)
{
    void *memory = NULL;
    assert_result(IHostMalloc_Alloc(heap, size, eTaskCritical, &memory), S_OK);
    assert_non_null(memory);
    return memory;
}

static void release(IHostMalloc *heap)
{
    assert_int_equal(IHostMalloc_Release(heap), 0);
}

static uint64_t committed(void)
{
    struct hostmem *face = HostMemFromManager(manager);
    struct hostmem_node_stats stats;
    int nodes[64];
    uint64_t sum = 0;
    size_t count = hostmem_nodes(face, 64, nodes);
    for (size_t i = 0; i < count && i < 64; i++) {
        assert_int_equal(hostmem_node_stats(face, nodes[i], &stats), 0);
        sum += stats.committed_bytes;
    }
    return sum;
}

static void h1_query_interface(void **state)
{
    IHostMalloc *heap = create(MALLOC_THREADSAFE);
    void *object = NULL;
    assert_result(IHostMalloc_QueryInterface(heap, &IID_IHostMalloc, &object), S_OK);
    assert_ptr_equal(object, heap);
    assert_result(IHostMalloc_QueryInterface(heap, &IID_IUnknown, &object), S_OK);
    assert_int_equal(IHostMalloc_AddRef(heap), 4);
    for (ULONG left = 3; left > 0; left--)
        assert_int_equal(IHostMalloc_Release(heap), left);
    assert_result(
        IHostMalloc_QueryInterface(heap, &IID_IHostMemoryManager, &object), E_NOINTERFACE);
    assert_null(object);
    assert_result(IHostMalloc_QueryInterface(heap, NULL, &object), E_POINTER);
    assert_result(IHostMalloc_QueryInterface(heap, &IID_IUnknown, NULL), E_POINTER);
    release(heap);
}

/* Size 0 too; addresses of their own, aligned to 16, with room for all bytes. */
static void h2_alloc(void **state)
{
    static char *blocks[2000];
    IHostMalloc *heap = create(MALLOC_THREADSAFE);
    for (size_t i = 0; i < 2000; i++) {
        blocks[i] = alloc(heap, i * 7 % 5000);
        assert_int_equal((uintptr_t)blocks[i] % 16, 0);
        memset(blocks[i], (int)i, i * 7 % 5000);
    }
    for (size_t i = 0; i < 2000; i++) {
        for (size_t at = 0; at < i * 7 % 5000; at++)
            assert_int_equal(blocks[i][at], (char)i);
        assert_result(IHostMalloc_Free(heap, blocks[i]), S_OK);
    }
    release(heap);
}

static void h3_outputs(void **state)
{
    IHostMalloc *heap = create(MALLOC_THREADSAFE);
    char file[] = "file.c";
    void *memory = state;
    assert_result(IHostMalloc_Alloc(heap, 10, eTaskCritical, NULL), E_POINTER);
    assert_result(IHostMalloc_DebugAlloc(heap, 10, eTaskCritical, file, 1, NULL), E_POINTER);
    assert_result(IHostMalloc_Alloc(heap, SIZE_MAX, eTaskCritical, &memory), E_OUTOFMEMORY);
    assert_null(memory);
    memory = state;
    assert_result(
        IHostMalloc_DebugAlloc(heap, SIZE_MAX, eTaskCritical, file, 1, &memory), E_OUTOFMEMORY);
    assert_null(memory);
    release(heap);
}

static void h4_debug_alloc(void **state)
{
    IHostMalloc *heap = create(MALLOC_THREADSAFE);
    char file[] = "file.c";
    void *memory = NULL, *unnamed = NULL;
    assert_result(IHostMalloc_DebugAlloc(heap, 100, eTaskCritical, file, 7, &memory), S_OK);
    assert_int_equal((uintptr_t)memory % 16, 0);
    memset(memory, 1, 100);
    assert_result(IHostMalloc_DebugAlloc(heap, 0, eTaskCritical, NULL, 0, &unnamed), S_OK);
    assert_result(IHostMalloc_Free(heap, memory), S_OK);
    assert_result(IHostMalloc_Free(heap, memory), NOT_OURS);
    release(heap);
}

static void h5_free(void **state)
{
    IHostMalloc *heap = create(MALLOC_THREADSAFE), *other = create(MALLOC_THREADSAFE);
    char *block = alloc(heap, 100), *foreign = alloc(other, 100), stack[100];
    char *region = face_alloc(NULL, PAGE, RESERVE_COMMIT, PAGE_READWRITE);
    assert_result(IHostMalloc_Free(heap, NULL), S_OK);
    assert_result(IHostMalloc_Free(heap, foreign), NOT_OURS);
    assert_result(IHostMalloc_Free(heap, stack), NOT_OURS);
    assert_result(IHostMalloc_Free(heap, region), NOT_OURS);
    assert_result(IHostMalloc_Free(heap, block + 16), NOT_OURS);
    assert_result(IHostMalloc_Free(heap, block), S_OK);
    assert_result(IHostMalloc_Free(heap, block), NOT_OURS);
    assert_result(IHostMalloc_Free(other, foreign), S_OK);
    release(heap);
    release(other);
}

/* All blocks go with the heap, and all memory comes back. */
static void h6_last_release(void **state)
{
    IHostMalloc *heap = create(MALLOC_THREADSAFE);
    for (size_t i = 0; i < 5000; i++)
        alloc(heap, i);
    alloc(heap, 5 * FRAME);
    assert_true(committed() >= 5 * FRAME);
    release(heap);
    assert_int_equal(committed(), 0);
}

/* The manager lives as long as its heaps. */
static void h7_manager_goes_first(void **state)
{
    IHostMalloc *heap = create(MALLOC_THREADSAFE);
    assert_int_equal(IHostMemoryManager_Release(manager), 1);
    manager = NULL;
    face_fill(alloc(heap, PAGE), PAGE, 7);
    release(heap);
}

static void h8_executable(void **state)
{
    if (!face_can_run_code() ||
        face_made(PAGE_EXECUTE_READWRITE).backing == HOSTMEM_BACKING_HUGETLB)
        skip();
    IHostMalloc *heap = create(MALLOC_THREADSAFE | MALLOC_EXECUTABLE);
    char *block = alloc(heap, 100);
    face_write_code(block);
    assert_true(face_runs(block));
    assert_int_equal(face_query(block).Protect, PAGE_EXECUTE_READWRITE);
    release(heap);
}

static HRESULT fill(IHostMalloc *heap, EMemoryCriticalLevel level)
{
    HRESULT result = S_OK;
    for (void *memory; result == S_OK;) {
        result = IHostMalloc_Alloc(heap, 4000, level, &memory);
        assert_int_equal(result == S_OK, memory != NULL);
    }
    return result;
}

/* A level that is none is the most critical one. */
static void h9_out_of_memory(void **state)
{
    setenv("HOSTMEM_RESERVE", "8M", 1);
    setenv("HOSTMEM_CRITICAL_WAIT_MS", "10", 1);
    face_reopen("HOSTMEM_POOL", "16M");
    unsetenv("HOSTMEM_RESERVE");
    unsetenv("HOSTMEM_CRITICAL_WAIT_MS");
    IHostMalloc *heap = create(MALLOC_THREADSAFE);
    uint64_t before = 0;
    for (int level = eTaskCritical; level <= eProcessCritical; level++) {
        assert_result(fill(heap, (EMemoryCriticalLevel)level), E_OUTOFMEMORY);
        assert_true(committed() > before && committed() <= 8 * FRAME);
        before = committed();
    }
    void *memory;
    assert_result(IHostMalloc_Alloc(heap, FRAME, (EMemoryCriticalLevel)77, &memory), E_OUTOFMEMORY);
    release(heap);
    assert_int_equal(committed(), 0);
}

static int all_unavailable(IHostMalloc *heap, void *block)
{
    IHostMalloc *made;
    char file[] = "file.c";
    void *memory;
    HRESULT gone = HOST_E_CLRNOTAVAILABLE;
    return IHostMalloc_Alloc(heap, 10, eProcessCritical, &memory) == gone && memory == NULL &&
           IHostMalloc_DebugAlloc(heap, 10, eTaskCritical, file, 1, &memory) == gone &&
           IHostMalloc_Free(heap, block) == gone && IHostMalloc_Free(heap, NULL) == gone &&
           IHostMemoryManager_CreateMalloc(manager, MALLOC_THREADSAFE, &made) == gone &&
           made == NULL && IHostMalloc_Release(heap) == 0 &&
           IHostMemoryManager_Release(manager) == 0;
}

static void h10_after_fork(void **state)
{
    IHostMalloc *heap = create(MALLOC_THREADSAFE);
    char *block = alloc(heap, PAGE);
    int status;
    face_fill(block, PAGE, 16);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(all_unavailable(heap, block) ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_filled(block, PAGE, 16);
    assert_result(IHostMalloc_Free(heap, block), S_OK);
    release(heap);
}

static const struct CMUnitTest semantics_malloc[] = {
    FACE_TEST(h1_query_interface),
    FACE_TEST(h2_alloc),
    FACE_TEST(h3_outputs),
    FACE_TEST(h4_debug_alloc),
    FACE_TEST(h5_free),
    FACE_TEST(h6_last_release),
    FACE_TEST(h7_manager_goes_first),
    FACE_TEST(h8_executable),
    FACE_TEST(h9_out_of_memory),
    FACE_TEST(h10_after_fork),
};

int main(void)
{
    return face_main(semantics_malloc);
}
