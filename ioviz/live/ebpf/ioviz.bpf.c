// SPDX-License-Identifier: MIT
// What ioviz asks the kernel itself, as root and with BTF: the system calls of some processes, without stopping them,
// and the ready list of their epoll instances, in its order. `make bpf` builds ioviz.bpf.o from this file; the numbers
// of the layouts below are those of layout.py beside it.
//
// Types are only as much of the kernel's as is read; `preserve_access_index` has the loader put in the offsets of the
// kernel that runs (CO-RE).

#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct pt_regs {
	unsigned long r10, r9, r8, dx, si, di, orig_ax, ax;
};
struct list_head {
	struct list_head *next, *prev;
};
struct qstr {
	const unsigned char *name;
};
struct dentry {
	struct qstr d_name;
};
struct path {
	struct dentry *dentry;
};
struct file {
	struct path f_path;
	void *private_data;
};
struct task_struct {
	int pid, tgid;
	int exit_code;
};
struct seq_file {
	unsigned long count;
};
struct bpf_iter_meta {
	struct seq_file *seq;
};
struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};
struct wait_queue_entry {
	void *private;
	struct list_head entry;
};
struct wait_queue_head {
	struct list_head head;
};
struct epoll_filefd {
	struct file *file;
	int fd;
} __attribute__((packed));
struct epoll_event_kernel {
	__u32 events;
	__u64 data;
};
struct eventpoll;
struct epitem {
	struct list_head rdllink;
	struct epoll_filefd ffd;
	struct eventpoll *ep;
};
struct eventpoll {
	struct wait_queue_head wq;
	struct list_head rdllist;
	struct epitem *ovflist;
};

#pragma clang attribute pop

#define TASK_RUNNING 0
#define NO_OVFLIST ((void *)-1L)
#define MOST_ITEMS 7000
#define MOST_WAITERS 64
#define DATA 255 // a mask, too: the verifier wants to see the bound
#define SMALL 24 // bytes that are sent without a copy in between
#define RING (1 << 24)
#define HALF (RING / 2) // bytes that wait to be read from which on calm calls are only counted
#define WINDOW 100000000ULL // ns
#define SAMPLE 32
#define NR_EPOLL_WAIT 232
#define NR_EPOLL_CTL 233
#define NR_EPOLL_PWAIT 281
#define NR_EPOLL_PWAIT2 441
#define ONE_SHOT (1U << 30)

static const char EVENTPOLL[12] = "[eventpoll]";

char LICENSE[] SEC("license") = "Dual MIT/GPL";

// -- the ready list -------------------------------------------------------------------------------------------------

// A record of the iterator: the head, then `items` descriptors, then `waiters` thread numbers.
struct ready_head {
	__u32 tgid, fd, items, waiters, busy, cut;
};

struct walk {
	struct seq_file *seq;
	struct list_head *at, *end;
	struct eventpoll *ep;
	__u32 count;
	__u32 write;
};

// The end of a list. While writing go on with -1: what is written has to be as long as the head has said.
static long pad(struct walk *walk)
{
	int none = -1;

	if (!walk->write)
		return 1;
	bpf_seq_write(walk->seq, &none, sizeof(none));
	return 0;
}

static long walk_item(__u32 index, void *context)
{
	struct walk *walk = context;
	struct epitem *item;
	struct eventpoll *owner;
	int fd;

	if (walk->at == walk->end || !walk->at)
		return pad(walk);
	item = (void *)walk->at - bpf_core_field_offset(struct epitem, rdllink);
	if (BPF_CORE_READ_INTO(&owner, item, ep) || owner != walk->ep) {
		walk->at = walk->end; // it was unlinked under our feet
		return pad(walk);
	}
	if (walk->write) {
		fd = BPF_CORE_READ(item, ffd.fd);
		bpf_seq_write(walk->seq, &fd, sizeof(fd));
	}
	walk->count++;
	walk->at = BPF_CORE_READ(item, rdllink.next);
	return 0;
}

static long walk_waiter(__u32 index, void *context)
{
	struct walk *walk = context;
	struct wait_queue_entry *entry;
	struct task_struct *task;
	int tid;

	if (walk->at == walk->end || !walk->at)
		return pad(walk);
	entry = (void *)walk->at - bpf_core_field_offset(struct wait_queue_entry, entry);
	if (walk->write) {
		task = BPF_CORE_READ(entry, private);
		tid = BPF_CORE_READ(task, pid);
		bpf_seq_write(walk->seq, &tid, sizeof(tid));
	}
	walk->count++;
	walk->at = BPF_CORE_READ(entry, entry.next);
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u32);
} watched SEC(".maps");

SEC("iter/task_file")
int ready_lists(struct bpf_iter__task_file *context)
{
	struct task_struct *task = context->task;
	struct file *file = context->file;
	struct seq_file *seq;
	struct eventpoll *ep;
	struct ready_head head = {};
	struct walk walk = {};
	char name[16] = {};
	__u32 tgid, fd;

	if (!task || !file)
		return 0;
	tgid = task->tgid;
	if (task->pid != task->tgid || !bpf_map_lookup_elem(&watched, &tgid))
		return 0;
	bpf_probe_read_kernel_str(name, sizeof(name), file->f_path.dentry->d_name.name);
	for (int i = 0; i < 12; i++)
		if (name[i] != EVENTPOLL[i])
			return 0;
	ep = file->private_data;
	seq = context->meta->seq;
	head.tgid = tgid;
	head.fd = context->fd;
	head.busy = BPF_CORE_READ(ep, ovflist) != NO_OVFLIST;

	walk.seq = seq;
	walk.ep = ep;
	walk.end = (void *)ep + bpf_core_field_offset(struct eventpoll, rdllist);
	walk.at = BPF_CORE_READ(ep, rdllist.next);
	bpf_loop(MOST_ITEMS, walk_item, &walk, 0);
	head.items = walk.count;
	head.cut = walk.at != walk.end;
	walk.end = (void *)ep + bpf_core_field_offset(struct eventpoll, wq.head);
	walk.at = BPF_CORE_READ(ep, wq.head.next);
	walk.count = 0;
	bpf_loop(MOST_WAITERS, walk_waiter, &walk, 0);
	head.waiters = walk.count;
	bpf_seq_write(seq, &head, sizeof(head));

	// The lists may have changed since they were counted.
	fd = head.items;
	walk.write = 1;
	walk.count = 0;
	walk.end = (void *)ep + bpf_core_field_offset(struct eventpoll, rdllist);
	walk.at = BPF_CORE_READ(ep, rdllist.next);
	bpf_loop(fd, walk_item, &walk, 0);
	fd = head.waiters;
	walk.count = 0;
	walk.end = (void *)ep + bpf_core_field_offset(struct eventpoll, wq.head);
	walk.at = BPF_CORE_READ(ep, wq.head.next);
	bpf_loop(fd, walk_waiter, &walk, 0);
	return 0;
}

// -- system calls ---------------------------------------------------------------------------------------------------

enum kind { RETURNED = 1, ASLEEP = 2, FORKED = 3, GONE = 4 };

// A record of the ring: 96 bytes, then `length` bytes that were read from the program's memory.
struct record {
	__u32 kind, length;
	__u32 tgid, tid;
	__s64 nr, result;
	__u64 start, end;
	__u64 args[6];
};

struct entered {
	__u64 start;
	__s64 nr;
	__u64 args[6];
	__u32 active, told; // the entry stays when the call has returned: changing it is cheaper than making it anew
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, struct entered);
} inside SEC(".maps");

// What to read of a call's memory: which argument points to it, and how long it is.
enum length_of { NOTHING = 0, RESULT, RESULT_EVENTS, FIXED, ARG_POLLFDS, POINTED, ARGUMENT };
// `on`: 1, or CALM for a call that changes no descriptor, of which the count may be enough.
struct wanted {
	__u8 on, pointer, length, extra; // `extra`: bytes at most, bytes, or the number of an argument
};
#define CALM 2

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 512);
	__type(key, __u32);
	__type(value, struct wanted);
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING);
} ring SEC(".maps");

// How it goes. `most` calls are told in each WINDOW (0: all), then the calm ones are only counted, so that who watches
// does not take the processors of what is watched. Other calls are always told, unless the ring is full.
struct going {
	__u64 lost, left_out; // what the ring had no room for, and what was only counted
	__u64 window, told; // when the window began, and what has been told in it
	__u64 one_shot; // some item is: then `epoll_wait` changes masks, and is no calm call
	__u64 spent; // ns in here of the programs that are watched: measured at one call in SAMPLE
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct going);
} going SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} most SEC(".maps");

struct full {
	struct record head;
	__u8 data[DATA + 1];
};

struct small {
	struct record head;
	__u8 data[SMALL];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct full);
} scratch SEC(".maps");

static void count_lost(void)
{
	__u32 zero = 0;
	struct going *how = bpf_map_lookup_elem(&going, &zero);

	if (how)
		__sync_fetch_and_add(&how->lost, 1);
}

// Add what has been spent since `start` here, at some of the calls: at those that began at the right time.
static __always_inline void count_spent(__u64 start)
{
	__u32 zero = 0;
	struct going *how;

	if (start >> 6 & (SAMPLE - 1))
		return;
	how = bpf_map_lookup_elem(&going, &zero);
	if (how)
		__sync_fetch_and_add(&how->spent, (bpf_ktime_get_ns() - start) * SAMPLE);
}

// Whether a call that returns `now` is told. Two processors may both begin a window: then a few more are told.
static int is_told(struct wanted *wanted, long nr, __u64 now)
{
	__u32 zero = 0;
	struct going *how = bpf_map_lookup_elem(&going, &zero);
	__u64 *limit = bpf_map_lookup_elem(&most, &zero);

	if (!how || !limit)
		return 1;
	if (now - how->window >= WINDOW) {
		how->window = now;
		how->told = 0;
	}
	how->told++;
	if (!wanted || wanted->on != CALM)
		return 1;
	if (how->one_shot && (nr == NR_EPOLL_WAIT || nr == NR_EPOLL_PWAIT || nr == NR_EPOLL_PWAIT2))
		return 1;
	if ((!*limit || how->told <= *limit) && bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) < HALF)
		return 1;
	__sync_fetch_and_add(&how->left_out, 1);
	return 0;
}

static void send(struct full *full)
{
	__u32 length = full->head.length;

	if (bpf_ringbuf_output(&ring, full, sizeof(struct record) + (length & DATA), BPF_RB_NO_WAKEUP))
		count_lost();
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_enter, struct pt_regs *regs, long nr)
{
	__u64 both = bpf_get_current_pid_tgid();
	__u32 tgid = both >> 32, tid = both, number = nr;
	struct entered empty = {}, *entered;
	struct wanted *wanted;

	if (!bpf_map_lookup_elem(&watched, &tgid))
		return 0;
	wanted = bpf_map_lookup_elem(&calls, &number);
	if (!wanted || !wanted->on)
		return 0;
	entered = bpf_map_lookup_elem(&inside, &tid);
	if (!entered) {
		bpf_map_update_elem(&inside, &tid, &empty, BPF_ANY);
		entered = bpf_map_lookup_elem(&inside, &tid);
		if (!entered)
			return 0;
	}
	entered->start = bpf_ktime_get_ns();
	entered->nr = nr;
	entered->args[0] = regs->di;
	entered->args[1] = regs->si;
	entered->args[2] = regs->dx;
	entered->args[3] = regs->r10;
	entered->args[4] = regs->r8;
	entered->args[5] = regs->r9;
	entered->told = 0;
	entered->active = 1;
	count_spent(entered->start);
	return 0;
}

static void fill(struct record *record, struct entered *entered, __u32 kind, __u32 tgid, __u32 tid)
{
	record->kind = kind;
	record->length = 0;
	record->tgid = tgid;
	record->tid = tid;
	record->nr = entered->nr;
	record->result = 0;
	record->start = entered->start;
	record->end = 0;
	__builtin_memcpy(record->args, entered->args, sizeof(entered->args));
}

static __u64 length_of(struct wanted *wanted, struct entered *entered, long result)
{
	__u64 length = 0;

	switch (wanted->length) {
	case RESULT:
		length = result > 0 ? result : 0;
		return length > wanted->extra ? wanted->extra : length;
	case RESULT_EVENTS:
		return result > 0 ? (__u64)result * 12 : 0;
	case FIXED:
		return wanted->extra;
	case ARG_POLLFDS:
		return entered->args[1] * 8;
	case ARGUMENT:
		return wanted->extra < 6 ? entered->args[wanted->extra] : 0;
	case POINTED:
		return result >= 0 ? wanted->extra : 0;
	}
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_exit, struct pt_regs *regs, long result)
{
	__u64 both = bpf_get_current_pid_tgid();
	__u32 tgid = both >> 32, tid = both, zero = 0, number;
	struct entered *entered, before = {};
	struct wanted *wanted;
	struct full *full;
	struct small *small;
	struct going *how;
	__u64 length = 0, pointer = 0, now;

	entered = bpf_map_lookup_elem(&inside, &tid);
	if (!entered || !entered->active) {
		// Entered before we came: the registers still have what it was called with, but not when.
		number = regs->orig_ax;
		if (!bpf_map_lookup_elem(&watched, &tgid))
			return 0;
		wanted = bpf_map_lookup_elem(&calls, &number);
		if (!wanted || !wanted->on)
			return 0;
		before.nr = number;
		before.args[0] = regs->di;
		before.args[1] = regs->si;
		before.args[2] = regs->dx;
		before.args[3] = regs->r10;
		before.args[4] = regs->r8;
		before.args[5] = regs->r9;
		entered = &before;
	} else {
		entered->active = 0;
	}
	number = entered->nr;
	wanted = bpf_map_lookup_elem(&calls, &number);
	now = bpf_ktime_get_ns();
	if (!is_told(wanted, entered->nr, now)) {
		count_spent(now);
		return 0;
	}
	if (wanted && wanted->length != NOTHING && wanted->pointer < 6) {
		length = length_of(wanted, entered, result);
		pointer = entered->args[wanted->pointer];
		if (!pointer)
			length = 0;
	}
	if (length <= SMALL) {
		small = bpf_ringbuf_reserve(&ring, sizeof(*small), 0);
		if (!small) {
			count_lost();
			return 0;
		}
		fill(&small->head, entered, RETURNED, tgid, tid);
		small->head.result = result;
		small->head.end = now;
		if (length && !bpf_probe_read_user(small->data, length & 31, (void *)pointer))
			small->head.length = length;
		if (number == NR_EPOLL_CTL && small->head.length && *(__u32 *)small->data & ONE_SHOT) {
			how = bpf_map_lookup_elem(&going, &zero);
			if (how)
				how->one_shot = 1;
		}
		bpf_ringbuf_submit(small, BPF_RB_NO_WAKEUP);
		count_spent(now);
		return 0;
	}
	full = bpf_map_lookup_elem(&scratch, &zero);
	if (!full)
		return 0;
	fill(&full->head, entered, RETURNED, tgid, tid);
	full->head.result = result;
	full->head.end = now;
	if (length > DATA)
		length = DATA;
	if (!bpf_probe_read_user(full->data, length & DATA, (void *)pointer))
		full->head.length = length;
	send(full);
	count_spent(now);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, _Bool preempt, struct task_struct *before, struct task_struct *after, unsigned int state)
{
	__u32 tid = before->pid, tgid = before->tgid, zero = 0;
	struct entered *entered;
	struct full *full;

	if (state == TASK_RUNNING || !bpf_map_lookup_elem(&watched, &tgid))
		return 0;
	entered = bpf_map_lookup_elem(&inside, &tid);
	if (!entered || !entered->active || entered->told)
		return 0;
	full = bpf_map_lookup_elem(&scratch, &zero);
	if (!full)
		return 0;
	entered->told = 1;
	fill(&full->head, entered, ASLEEP, tgid, tid);
	send(full);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 tgid = parent->tgid, own = child->tgid, zero = 0, one = 1;
	struct entered entered = {};
	struct full *full;

	if (!bpf_map_lookup_elem(&watched, &tgid))
		return 0;
	if (own != tgid)
		bpf_map_update_elem(&watched, &own, &one, BPF_ANY);
	full = bpf_map_lookup_elem(&scratch, &zero);
	if (!full)
		return 0;
	entered.start = bpf_ktime_get_ns();
	fill(&full->head, &entered, FORKED, tgid, parent->pid);
	full->head.result = child->pid;
	full->head.args[0] = own;
	full->head.end = entered.start;
	send(full);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_gone, struct task_struct *task)
{
	__u32 tgid = task->tgid, tid = task->pid, zero = 0;
	struct entered entered = {};
	struct full *full;

	if (!bpf_map_lookup_elem(&watched, &tgid))
		return 0;
	full = bpf_map_lookup_elem(&scratch, &zero);
	if (!full)
		return 0;
	entered.start = bpf_ktime_get_ns();
	fill(&full->head, &entered, GONE, tgid, tid);
	full->head.result = task->exit_code;
	full->head.end = entered.start;
	send(full);
	bpf_map_delete_elem(&inside, &tid);
	return 0;
}
