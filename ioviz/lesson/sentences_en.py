"""The English sentences: kind (or kind.variant) → template. See `ioviz.lesson.narration` for what may stand in braces."""

from __future__ import annotations

from typing import Final

UNKNOWN: Final = "{kind}: an event of a kind that this version does not know."

TERMS: Final = {
    "nobody": "nobody",
    "no who": "the idle loop",
    "flags .": "ACK",
    "flags P.": "PSH-ACK",
    "flags S": "SYN",
    "flags S.": "SYN-ACK",
    "flags F.": "FIN-ACK",
    "flags R.": "RST-ACK",
    "no in_call": "a call",
    "no found_fds": "none",
    "no line": "its next line",
    "by delete": "EPOLL_CTL_DEL",
    "leaves edge": "Edge-triggered: the item is off the ready list until something new happens",
    "leaves oneshot": "One-shot: the item is off the ready list, and disarmed until MOD arms it again",
    "by close": "the last reference to its file is gone",
    "side tx": "the send buffer of",
    "side rx": "the receive buffer of",
    "side pipe": "the pipe of",
    "no place": "its source",
    "cr3 kept": "CR3 stays: the same process.",
    "cr3 loaded": "CR3 gets the page tables of the other process.",
    "name boot loader": "the boot loader",
    "name kernel": "the kernel",
    "touch fetch": "fetches an instruction from",
    "no region": "nothing is there",
    "touch write": "writes to",
    "touch read": "reads",
    "region text": "its text",
    "region data": "its data",
    "region heap": "its heap",
    "region mmap": "a mapping of its own",
    "region stack": "a user stack",
    "region guard": "a guard page",
    "region all RAM": "the kernel's map of all RAM",
    "region RAM (first 896 MiB)": "the kernel's map of RAM",
    "region kernel stacks": "the kernel stacks",
    "region kernel text": "the kernel's text",
    "refusal absent": "the page is not present",
    "refusal read-only": "the page is read-only",
    "refusal supervisor": "the page is present, but for ring 0 only (supervisor bit)",
}

SENTENCES: Final = {
    "Gap": "Here {lost} events are missing: the source could not keep up, so what follows may not fit.",
    "MirrorStarted": "The stage mirrors real processes from here on, through {source} ({how}).",
    "MirrorChecked": (
        "Checked against the kernel itself: {compared} items of interest lists, {differences} differences; {queues} queue "
        "sizes, {queues_off} other than the calls let us think."
    ),
    "CallsLeftOut": (
        "{n:call|calls} that only moved bytes or waited {n:=is|are} left out here: too many to show. Descriptors and "
        "interest lists are complete all the same."
    ),
    "MirrorBlinded": "From here on the interest lists change unseen ({why}): only what fdinfo says is shown.",
    "BytesArrived": "{n:byte|bytes} must have come into {side} {buffer_name} by now.",
    "BytesPassed": "The kernel takes {n:byte|bytes} into {side} {buffer_name}; when anything leaves is its own business.",
    "QueueMeasured": "{n:byte is|bytes are} in {side} {buffer_name} now.",
    "RunStarted": "The machine is switched on (seed {seed}).",
    "HostBooted": "{name} is up at {address}: its IDT is loaded and its CPU idles.",
    "RunEnded": "The run is over.",
    "RunEnded.exit": "The program has ended, and with it the run: exit code {code}.",
    "RunEnded.stalled": "Nothing can ever happen again: everybody sleeps and nobody is left to wake them.",
    "RunEnded.limit": "The run was stopped at its limit.",
    "RunEnded.interrupted": "Interrupted by Ctrl+C.",
    "RunEnded.unwatched": "The watching ends here; what was watched may go on.",
    "RunEnded.logged": "The log ends here.",
    "RunEnded.unsupported": "The program asked for something that this machine lacks: {message}.",
    "ProcessStarted": "{name} is started as process {pid} on host {host}.",
    "SourceLoaded": "The source of {file_name} was read.",
    "TaskCreated": "Task {tid} of process {pid} exists now and is on the run queue.",
    "LineReached": "Next line, {place}:  {line}",
    "TaskSlept.forever": (
        "{who} cannot go on inside {in_call}: it sleeps in {wchan}() until somebody wakes it, and costs no CPU time."
    ),
    "TaskSlept.nap": (
        "{who} sleeps in {wchan}(): a timer will wake it in {wait_ms} ms, not before; until then it costs no CPU time."
    ),
    "TaskSlept.until": "{who} sleeps in {wchan}(), at most for {wait_ms} ms; until then it costs no CPU time.",
    "TaskWoken.event": "{woken} is woken: off its wait queue, onto the run queue. It will check again what it waited for.",
    "TaskWoken.timeout": "The time of {woken} is up: it is on the run queue again.",
    "TaskWoken.signal": "A signal wakes {woken}; its system call will return EINTR.",
    "TaskPreempted.slice": "The time slice of {who} is used up: it goes to the tail of the run queue.",
    "TaskPreempted.parallel": (
        "Another thread is seen at work, so {who} leaves the stage's one CPU. (A real computer runs several at once.)"
    ),
    "TaskPreempted.yield": "{who} offers the CPU to the others and goes to the tail of the run queue.",
    "TaskSwitched.switch": "Context switch: the CPU leaves the kernel stack of {prev_who} for that of {next_who}. {cr3}",
    "TaskSwitched.start": "The CPU stops idling and goes to {next_who}.",
    "TaskSwitched.idle": "Nobody is ready to run: the CPU of {host_name} idles.",
    "TaskExited": "{who} has ended.",
    "TaskKilled": "Task {tid} ends with its process.",
    "ProcessExited": "{program} is gone, with exit code {code}.",
    "TrapEntered.int80": (
        "{who} executes int 0x80 to call {call}: ring 3 → ring 0, its registers are saved on its kernel stack, and eax = "
        "{number} picks the handler."
    ),
    "TrapEntered.syscall": (
        "{who} executes the syscall instruction for {call} (rax = {number}): ring 3 → ring 0 without the IDT, registers "
        "saved on its kernel stack."
    ),
    "SyscallReturned.fine": "{call} returns {result}: registers restored, back in ring 3 where {who} left off.",
    "SyscallReturned.failed": "{call} fails with {result}; {who} goes on in ring 3.",
    "SyscallReturned.restart": "A signal interrupts {call} ({result}, which no program sees): the kernel sees to the signal, then "
    "the call begins anew or ends with EINTR.",
    "SyscallReturned.again": "{call} would have to wait and the descriptor is non-blocking: it returns EAGAIN at once.",
    "SyscallReturned.eof": "{call} returns 0: not “no data”, but the end of the stream: nothing more will come.",
    "SyscallReturned.ready": "{call} returns {ret}: {who} learns which descriptors are ready, and still has to read them.",
    "SyscallReturned.timeout": "{call} returns 0: nothing became ready in time. (0, not -1: that would be an error.)",
    "IrqRaised": "A device pulls the interrupt line: vector {vector_hex}, {vector_name}.",
    "IrqEntered": (
        "The CPU of {host_name} drops what it did: frame onto the kernel stack, IF cleared, IDT[{vector_hex}] → {handler}."
    ),
    "IrqReturned": "iret: the interrupted code goes on as if nothing had happened.",
    "ExceptionRaised.page": (
        "{who} {touch} address {address_hex} ({region}): {refusal}. Page fault: the CPU enters the kernel through "
        "IDT[0xe], with the address in CR2 and error code {error}."
    ),
    "ExceptionRaised.divide": (
        "{who} lets the CPU divide by what it cannot divide by: it enters the kernel through IDT[0x0] → {handler}."
    ),
    "ExceptionRaised.gate": (
        "{who} executes int {refused_hex}, and that gate is not for ring 3: general protection fault, IDT[0xd], error code "
        "{error_hex}."
    ),
    "ExceptionRaised.protection": (
        "{who} did what only ring 0 may, or used what is no address: general protection fault, IDT[0xd] → {handler}."
    ),
    "ExceptionRaised.trap": (
        "{who} executes int {vector}, whose gate a program may name: into the kernel through IDT[{vector_hex}] → {handler}."
    ),
    "ExceptionReturned.fault": "iret: {who} is back in ring 3, and the same instruction is executed again.",
    "ExceptionReturned.trap": "iret: {who} is back in ring 3, behind the instruction.",
    "InputReceived.mouse": "The handler takes from the mouse what was done: {value}. A program may ask for it later.",
    "InputReceived.keyboard": "The handler takes a key from the keyboard: {value}. A program may ask for it later.",
    "PoweredOn": (
        "Power on. The CPU begins in the firmware, in real mode: there is no kernel in memory, no process, no ring, no page "
        "table. All programs are files on the disk."
    ),
    "BlocksRequested.polled": "The disk is told to read {count:block|blocks} from block {block} on: {name}. Whoever asked waits.",
    "BlocksRequested.kernel": (
        "{name} is not in memory yet: the kernel tells the disk to read {count:block|blocks} from block {block} on. An interrupt "
        "will say when the data is there."
    ),
    "BlocksLoaded": "The disk has written {name} into memory by itself (DMA), past the CPU.",
    "BootLoaderStarted": "The firmware jumps to the boot loader, which looks for the kernel on the disk.",
    "KernelLoaded": (
        "The kernel ({mib} MiB) lies in memory at {address_hex}, the first program that stays: the boot loader jumps to it."
    ),
    "ProtectionEnabled": (
        "The kernel switches to protected mode with page tables (CR0.PE, CR0.PG; EFER.LME for 64 bit): from now on there are "
        "rings, and it is in ring 0."
    ),
    "IdtLoaded": (
        "lidt: the register IDTR gets the address {base_hex} and the limit {limit_hex} of the table. The table itself lies in "
        "memory."
    ),
    "ProgramLoaded": (
        "execve: the address space of {program} is laid out for {path}: text, data, heap, stack. Nothing is copied; pages come "
        "when they are touched."
    ),
    "ImageReleased": "The address space of {program} is taken apart.",
    "PageMapped.file": (
        "First touch of the page of {page_hex}, and the file's page is in the page cache: the kernel enters its frame "
        "({frame}) into the page table."
    ),
    "MemoryMapped": (
        "{program} may use {pages:page|pages} from {start_hex} on. That is only noted: nothing is present there yet."
    ),
    "MemoryUnmapped": "The mapping at {start_hex} goes with {program}, and its pages are free.",
    "PageMapped.own": (
        "First write to the page of {page_hex}: the kernel takes a free page of memory (frame {frame}), fills it with zeros "
        "and enters it into the page table."
    ),
    "PageMapped.zeros": (
        "First touch of the page of {page_hex}, and it only reads: the entry in the page table points to the one page of "
        "zeros that all share."
    ),
    "ByteStored": "{program} writes {value} to {address_hex}: the page is present, so no kernel is asked.",
    "SignalSent": "Signal {signal} is pending for {program}.",
    "SignalDelivered.handler": "{program} takes signal {signal}: its handler is going to run.",
    "SignalDelivered.ignored": "{program} ignores signal {signal}.",
    "SignalDelivered.killed": "Signal {signal} ends {program}.",
    "SignalDelivered.accepted": "{program} was waiting for signal {signal} and takes it: no handler runs.",
    "PipePacketWritten": "{size:byte goes|bytes go} into a slot of the pipe of their own: with O_DIRECT a write is a packet.",
    "TimerfdCreated": "A timer behind a descriptor: it can be read and waited for.",
    "TimerfdSet": "The timer behind the descriptor is set: it rings at {due} ns, then every {interval} ns (0: not at all).",
    "TimerfdExpired": "The timer behind a descriptor rings: it can be read now.",
    "FileLocked": "The open file has the lock now.",
    "FileUnlocked": "The open file has given the lock back; whoever waits for it tries again.",
    "SignalfdCreated": "A descriptor from which signals can be read: {numbers}.",
    "SignalfdSet": "The descriptor gives these signals from now on: {numbers}.",
    "SignalfdReleased": "The signalfd is gone.",
    "TimerfdReleased": "The last reference to the timer is gone, and the timer with it.",
    "ProcessSpawned": (
        "{who} makes a child process, {pid}, with the same open files, and sleeps until the child runs a program."
    ),
    "ProcessExecuted": "Process {pid} runs {name} from now on; descriptors marked close-on-exec are closed.",
    "ProcessOrphaned": "The parent of process {pid} has ended; it belongs to nobody now.",
    "ProcessReaped": "Its parent has asked how process {pid} ended: the zombie is gone.",
    "SignalMaskSet": "The task blocks these signals now: {signals}.",
    "FutexHashed": "{who} finds a lock taken: the kernel makes a wait queue for it. (A free lock needs no system call.)",
    "FutexForgotten": "Nobody waits for this lock any more: its wait queue goes.",
    "FileOpened": "A new open file of kind {file_kind}; no descriptor names it yet.",
    "FdInstalled": "The lowest free number in the table of {program} is {fd}: it names the open file now.",
    "FdClosed": "{program} closes fd {fd}: the number is free again, the open file has one reference less.",
    "FdFlagsSet": "The close-on-exec flag of fd {fd} is set anew.",
    "FileHeld.kept": "The sleeping call keeps a reference to the open file: a close by another thread releases nothing.",
    "FileHeld.given": "The call that slept gives its reference to the open file back.",
    "FileFlagsSet": "The open file has new status flags (O_NONBLOCK among them): {flags_octal}.",
    "FileMoved": "The position of the open file is {pos} now.",
    "FileReleased": "The last reference is gone, and the open file with it.",
    "InodeCreated": "{path} exists now.",
    "NameRemoved": "{path} is removed.",
    "NameMoved": "{old} is called {new} now.",
    "FileWritten": "{size:byte is|bytes are} written to a file, at offset {offset}.",
    "FileModeSet": "The permissions of a file are {permissions} now.",
    "FileTruncated": "A file is {size:byte|bytes} long now.",
    "InodeFreed": "The file has neither name nor user any more: its pages are free.",
    "PipeCreated": "A pipe: 16 slots of a page, one reading and one writing end.",
    "PipePageFilled": "{size:byte goes|bytes go} into the pipe's last page.",
    "PipeEndClosed": "An end of the pipe is closed; {readers:reader|readers} and {writers:writer|writers} remain.",
    "EventfdCreated": "An eventfd with the counter {count}.",
    "EventfdCounted": "The eventfd's counter is {count} now.",
    "EventfdReleased": "The eventfd is gone.",
    "TextPrinted": "{program} prints {data}.",
    "LineTyped": "Somebody types {data} at the terminal of {program}.",
    "InputRead": "{program} reads {n:byte|bytes} from its terminal.",
    "SocketCreated": "A socket with two empty buffers: receive {rcvbuf} bytes, send {sndbuf} bytes. It has no address yet.",
    "ConnectionCreated": "A SYN came to {listener_name}: the kernel makes a socket for the connection {local} ↔ {remote}.",
    "SocketBound": "{sock_name} is bound to {local}.",
    "SocketListening": (
        "{sock_name} listens: up to {backlog} + 1 finished connections may wait to be accepted. Clients served so far do "
        "not count."
    ),
    "SocketConnected": "{sock_name} is {state}: {local} → {remote}.",
    "ConnectPending": "connect does not wait: EINPROGRESS, the handshake goes on by itself.",
    "ConnectFinished": "The handshake is over, and connect says how it went.",
    "SocketStateChanged": "{sock_name} is {state} now.",
    "ConnectionQueued": "The handshake is complete, without any accept(): the connection waits on the accept queue.",
    "ConnectionAccepted": "accept takes the oldest connection off the accept queue.",
    "ConnectionAborted": "The listener closes: a connection that nobody accepted is broken off.",
    "SocketShutdown": "{sock_name} is shut down in part: bits {shutdown} (1 receiving, 2 sending).",
    "SocketErrorSet.set": "An error is pending on {sock_name}: {error_name}.",
    "SocketErrorSet.cleared": "The pending error of {sock_name} was read, and is gone.",
    "NoSpaceSet.full": "The send buffer of {sock_name} is full: the sender is owed a wake-up when there is room again.",
    "NoSpaceSet.room": "There is room in the send buffer of {sock_name} again.",
    "LowatSet": "{sock_name} counts as readable from {lowat:unread byte|unread bytes} on.",
    "OptionSet": "An option of {sock_name} is set: level {level}, number {option}, value {value}.",
    "SynDropped": "The accept queue of {listener_name} is full: the SYN is thrown away, the client will try again.",
    "FinSent": "{sock_name} sends FIN: it has no more to say ({state}).",
    "FinReceived": "The peer's FIN reached {sock_name} after all its data: recv will find the end ({state}).",
    "RstReceived": "The peer broke the connection of {sock_name} off (RST).",
    "RstSent": "{sock_name} breaks the connection off with RST: {why}.",
    "SocketOrphaned": "No descriptor names {sock_name} any more; the kernel finishes the conversation alone.",
    "SocketDisconnected": "{sock_name} is as new again.",
    "UrgentReceived.came": "A byte out of band stands beside the receive buffer of {sock_name}.",
    "UrgentReceived.taken": "The byte out of band was taken.",
    "TimeWaitStarted": "TIME-WAIT: this end closed first, so its addresses stay taken for 60 s.",
    "TimeWaitEnded": "TIME-WAIT is over: the addresses may be used again.",
    "SocketReleased": "{sock_name} is gone with its buffers and its wait queue.",
    "BufferResized": "The buffer of {buffer_name} may hold {limit} bytes now.",
    "BytesCopiedIn": "User → kernel: {size:byte|bytes} {data} {size:=is|are} copied into {side} {buffer_name}.",
    "BytesCopiedOut": "Kernel → user: {n:byte|bytes} from {side} {buffer_name} {n:=is|are} the program's now.",
    "SegmentDelivered": (
        "TCP on loopback: the segment moves from the send buffer of {source_name} to the receive buffer of {target_name}."
    ),
    "SegmentSplit": "Only {n:byte fits|bytes fit} into the receive buffer at the other end; the rest stays in the send buffer.",
    "RightsAttached": "Open files travel with the message (SCM_RIGHTS): until it is received, the message refers to them.",
    "RightsTaken": "The open files that travelled with the message were received, or went with it.",
    "DatagramReceived": "A datagram of {size:byte|bytes} reaches {buffer_name}.",
    "DatagramTaken": "{n:byte of a datagram is|bytes of a datagram are} copied to the program; what did not fit is gone.",
    "DatagramDropped": "The receive buffer of {buffer_name} is full: the datagram is dropped and nobody is told.",
    "BufferDiscarded": "What was in the buffer of {buffer_name} is thrown away.",
    "TcpOpened": "{sock_name} starts counting: it offers a window of {window} bytes.",
    "SegmentSent.data": "TCP makes a segment of {n:byte|bytes} [{flags}] and gives it to the driver.",
    "SegmentSent.control": "TCP makes a segment without data [{flags}] and gives it to the driver.",
    "SegmentSent.again": "TCP sends a segment once more [{flags}]: nobody has acknowledged it.",
    "SegmentReceived": "TCP puts {size:byte|bytes}, in order, into the receive buffer of {sock_name}.",
    "ControlReceived": "A SYN or FIN of the peer, in order: it takes one sequence number.",
    "AckReceived": "The peer has everything up to {una}: {n:byte leaves|bytes leave} the send buffer of {sock_name}.",
    "SegmentRefused": "A segment does not continue what is there ({why}): its data is dropped.",
    "RetransmitStarted": "No acknowledgement came ({why}): what was sent counts as lost and is sent again.",
    "NicBooted": "The driver has set up the card of host {host}: two rings of {size} descriptors.",
    "PacketQueued.data": "A packet [{flags}] with {size:byte|bytes} for {target} is put into the card's tx ring.",
    "PacketQueued.control": "A packet [{flags}] without data for {target} is put into the card's tx ring.",
    "DescriptorFilled": "A slot of the tx ring came free: the next packet is in it.",
    "PacketSent": "The card reads the packet from memory by itself (DMA) and puts it on the wire to host {target}.",
    "DmaWritten": "The packet arrives: the card writes it into slot {slot} of the rx ring by DMA. The CPU knows nothing yet.",
    "PacketDropped": "The packet is lost: {why}.",
    "NapiScheduled": "The handler masks the card's interrupt line: from now on the driver polls the ring.",
    "DescriptorsTaken": "The driver takes the packet off the rx ring and gives the slot an empty buffer.",
    "NapiCompleted": "The ring is empty after {work:packet|packets}: the card may interrupt again.",
    "SoftirqRaised": "The handler leaves the rest for later: softirq {softirq}. (Not a system call: deferred interrupt work.)",
    "SoftirqEntered": "The interrupt is about to return: softirq {softirq} runs now, with interrupts allowed.",
    "SoftirqRan": "Softirq {softirq} is done: {work} handled.",
    "FdsScanned.first": (
        "{call} asks each of its descriptors in turn, {scanned} in all: {ready} ready ({found_fds}). The cost grows with the "
        "number."
    ),
    "FdsScanned.again": "Woken, {call} asks all its descriptors, {scanned}, a second time: {ready} ready ({found_fds}).",
    "EpollCreated": "An epoll instance: an empty red-black tree for what is watched, an empty list for what is ready.",
    "EpitemInserted.root": (
        "EPOLL_CTL_ADD: an item for fd {fd} becomes the root of the tree, which was empty, and a callback waits at its "
        "file's queue."
    ),
    "EpitemInserted.leaf": (
        "EPOLL_CTL_ADD: an item for fd {fd} becomes a red leaf under {parent_name}, and a callback waits at its file's "
        "queue."
    ),
    "EpitemModified": "EPOLL_CTL_MOD: the item of {item_name} asks for {requested_mask} now, and is armed again.",
    "EpitemRemoved": "The item of {item_name} leaves the tree: {by}.",
    "EpollReleased": "The epoll instance is gone with all its items.",
    "ReadyLinked.callback": (
        "ep_poll_callback() links {item_name} to the tail of the ready list ({mask}). It does not search the tree: the wait "
        "entry leads to the item."
    ),
    "ReadyLinked.add": "{item_name} is ready already ({mask}): it goes onto the ready list right when it is added.",
    "ReadyLinked.modify": "{item_name} is ready for its new mask ({mask}): onto the ready list.",
    "ReadyDropped": "epoll_wait asks {item_name} again: nothing there any more, so it leaves the ready list unreported.",
    "EventDelivered.again": (
        "epoll_wait reports {mask} on {item_name}. Level-triggered: the item goes back to the tail of the ready list."
    ),
    "EventDelivered.once": ("epoll_wait reports {mask} on {item_name}. {leaves}."),
    "TreeRecoloured.red": "The tree keeps its rules: {node_name} becomes red.",
    "TreeRecoloured.black": "The tree keeps its rules: {node_name} becomes black.",
    "TreeColoursFlipped": "Both children of {node_name} were red: the colours flip, and the question moves up.",
    "TreeRotated.left": "The tree rotates left around {pivot_name}, so that no path grows too long.",
    "TreeRotated.right": "The tree rotates right around {pivot_name}, so that no path grows too long.",
    "TreeSwapped": "{node_name} has two children: it changes places with its successor {successor_name}.",
}
