/* The protocol of graceful, for spin: lock and takeover, the link, two slots, drain, and a crash of anybody between any
 * two steps. Beside each step stands the code that it models. Checked exhaustively by suite.ts, which also checks that
 * spin rejects each deliberately wrong variant (the #ifdefs; listed in variants.ts).
 *
 * What it abstracts away:
 * - Time. "The link has been elsewhere for 250 ms" (drain.ts MIN_LINK_AGE_MS) is: whoever read the link has connected.
 *   Deadlines (drainTimeout, stopTimeout, --wait) do not exist: a request ends, a process that is signalled exits.
 * - A check of an identity and the kill(2) after it are one step, as is one look at the kernel's socket table (isQuiet).
 * - A backend is ready or not; one that hangs is not in here (test/faults/model has it), nor are hooks, start and restart
 *   (they are made of the same steps), the lock of another pid namespace, and errors of the system.
 * - The two slots of stop --all are emptied one after the other.
 * Bounds: PIDS processes, two commands side by side, CLIENTS requests, CRASHES of managers, KILLS of backends, one reuse
 * of a pid; afterwards the crashed commands again, and keepalive. */
#ifndef CLIENTS
#define CLIENTS 1
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef KILLS
#define KILLS 1
#endif
#define PIDS 4
#define MANAGERS 6
#define NONE 7
#define OTHER(slot) (1 - (slot))

mtype = { update, stop_inactive, switch_slot, keepalive, stop_all };
mtype = { free, gated, booting, ready, signalled, closing, stranger };
mtype = { idle, resolved, queued, accepted, over };
mtype = { nothing, move_only, next_phase, renew, stop_only };

/* ---- The kernel: processes, sockets, clients ---- */
mtype kind[PIDS] = free;
byte gen[PIDS];                  /* with the pid, the identity: src/system/processes/identity.ts */
byte slot_of[PIDS];
byte parent[PIDS];
byte sock[2] = NONE;             /* who listens at NAME-a.socket, NAME-b.socket */
mtype client[CLIENTS] = idle;
byte client_at[CLIENTS];         /* the slot that it read from the link, then the process that it is connected to */

/* ---- The state dir ---- */
byte link = NONE;
bit temp_link;                   /* the symlink that is about to be renamed */
bool desired_up = true;
typedef Record { byte proc = NONE; byte gen; bit stopping }  /* src/system/backend-record.ts */
Record rec[2];
bit lock_dir;
byte holder = NONE;              /* NAME.lock-holder.json */
byte gate = NONE;                /* abstract socket: the kernel frees it with its holder */

/* ---- What only the proof knows ---- */
bool doomed[MANAGERS];           /* killed with SIGKILL */
bool finished[MANAGERS];
byte crashes = CRASHES;
byte kills = KILLS;
bit reuses = 1;
byte inside = NONE;              /* the manager that changes state (I4) */
bool served;                     /* the link was pointed, and not taken away on purpose since */
bool was_killed[2];              /* the slot's last backend was killed from outside */
bool down;                       /* stop --all was the last wish (I6) */

#define IS_RUNNING(p) (kind[p] == booting || kind[p] == ready || kind[p] == signalled || kind[p] == closing)
/* readRecord: pid and generation agree, and it is no zombie */
#define ALIVE(s) (rec[s].proc != NONE && gen[rec[s].proc] == rec[s].gen && kind[rec[s].proc] != free)
/* isReady: answers its probe, and has not been told to stop */
#define PROBE_OK(s) (ALIVE(s) && sock[s] == rec[s].proc)
#define READY(s) (PROBE_OK(s) && !rec[s].stopping)
#define HEALTHY_ACTIVE (link != NONE && READY(link))
#ifdef QUEUED_NOT_COUNTED
#define IS_CONNECTED(c, p) (client[c] == accepted && client_at[c] == p)
#else
#define IS_CONNECTED(c, p) ((client[c] == queued || client[c] == accepted) && client_at[c] == p)
#endif
#define HAS_READ_LINK(c, s) (client[c] == resolved && client_at[c] == s)
#if CLIENTS == 1
#define CONNECTED(p) IS_CONNECTED(0, p)
#define ON_THE_WAY(s) HAS_READ_LINK(0, s)
#else
#define CONNECTED(p) (IS_CONNECTED(0, p) || IS_CONNECTED(1, p))
#define ON_THE_WAY(s) (HAS_READ_LINK(0, s) || HAS_READ_LINK(1, s))
#endif
#ifdef NEVER_TAKE_OVER
#define HELD (lock_dir)
#else
#define HELD (lock_dir && holder != NONE && !doomed[holder])   /* src/system/lock.ts isHeld */
#endif

/* ---- src/system/lock.ts ---- */
inline enter_gate() {            /* src/system/gate.ts enterGate */
#ifdef TAKEOVER_WITHOUT_GATE
  skip
#else
  atomic { gate == NONE -> gate = me }
#endif
}
inline leave_gate() {
#ifdef TAKEOVER_WITHOUT_GATE
  skip
#else
  gate = NONE
#endif
}
inline lock() {                  /* acquireLock, tryLock */
  do
  :: !HELD ->
     enter_gate();
     if
     :: HELD -> leave_gate()     /* somebody was faster */
     :: else ->
        d_step { holder = NONE; lock_dir = 0 };      /* removeDeadLock: in between is as after mkdir */
        if
        :: atomic { !lock_dir -> lock_dir = 1 };     /* mkdir(2) by proper-lockfile */
           holder = me;
           leave_gate();
           break
        :: else -> leave_gate()                      /* EEXIST */
        fi
     fi
  od;
  atomic { assert(inside == NONE); inside = me }     /* I4 */
}
inline unlock() {                /* release */
  d_step { assert(inside == me); inside = NONE }     /* I4 */
  if
  :: atomic { gate == NONE -> gate = me }; d_step { holder = NONE; lock_dir = 0 }; gate = NONE
  :: gate != NONE -> lock_dir = 0                    /* GATE_PATIENCE_MS is over: the holder's file stays */
  fi
}

/* ---- src/system/link.ts point; src/operations/move-traffic.ts ---- */
inline rename_link(to) {
#ifdef UNLINK_THEN_SYMLINK
  link = NONE;
  d_step { link = to; served = true }
#else
  temp_link = 1;
  d_step { temp_link = 0; link = to; served = true }
#endif
}
inline remove_link() {           /* heal.ts slotToHeal: only where nobody listens */
  d_step {
    assert(sock[link] == NONE);                      /* I1 */
    link = NONE; served = false
  }
}
inline move_traffic(to) {        /* moveTraffic */
  d_step {
    before = link;
    was_down = !desired_up;
    assert(!down || (command != keepalive && !intended_up))          /* I6: the latest wish wins */
  }
  if :: d_step { was_down -> desired_up = true; down = false } :: else fi;
  rename_link(to);
  if                             /* probeThroughLink: the commit point */
  :: READY(to)
  :: else ->
     assert(was_killed[to]);     /* I1: traffic moves to a backend that was ready */
     if
     :: before == NONE -> d_step { link = NONE; served = false }
     :: else -> rename_link(before)
     fi;
     if :: was_down -> d_step { desired_up = false; down = true } :: else fi
  fi;
  before = 0; was_down = false
}

/* ---- src/operations/take-down.ts, src/system/processes/terminate.ts ---- */
inline signal(s) {               /* signalProcess: the identity again, then kill(2) */
  d_step {
#ifdef KILL_BY_PID_ONLY
    if
    :: kind[rec[s].proc] != free ->
#else
    if
    :: ALIVE(s) ->
#endif
       assert(gen[rec[s].proc] == rec[s].gen && kind[rec[s].proc] != stranger);  /* I3 */
       kind[rec[s].proc] = signalled
    :: else
    fi
  }
}
inline forget(s) { d_step { rec[s].proc = NONE; rec[s].gen = 0; rec[s].stopping = 0 } }
inline take_down(s) {            /* takeDown */
#ifndef NO_STOPPING_NOTE
  rec[s].stopping = 1;           /* noteStopping */
#endif
  signal(s);
#ifndef BIND_BEFORE_EXIT
  !ALIVE(s);                     /* untilGone */
#endif
  forget(s)
}
inline settle_slot(s) {          /* src/operations/observe.ts settleSlot */
  if
  :: rec[s].proc == NONE
  :: rec[s].proc != NONE && !ALIVE(s) -> forget(s)
  :: ALIVE(s) && rec[s].stopping && link != s -> take_down(s)
  :: ALIVE(s) && !(rec[s].stopping && link != s)
  fi
}
inline settle() {                /* settle: state-dir.ts sweepTempFiles, then both slots */
#ifndef NO_SWEEP
  temp_link = 0;
#endif
  settle_slot(0);
  settle_slot(1)
}

/* ---- src/operations/bring-up.ts, src/system/launcher.ts launch ---- */
inline spawn(s) {                /* a shell that waits for one line: it exits when we die before that */
  d_step {
    p = 0;
    do :: kind[p] != free -> p++ :: else -> break od;
    kind[p] = gated; gen[p]++; slot_of[p] = s; parent[p] = me
  }
}
inline write_record(s) {
  d_step { rec[s].proc = p; rec[s].gen = gen[p]; rec[s].stopping = 0 }
}
inline go() {
  d_step { if :: kind[p] == gated -> kind[p] = booting :: else fi }
  assert(IS_RUNNING(0) + IS_RUNNING(1) + IS_RUNNING(2) + IS_RUNNING(3) <= 2)    /* I7 */
}
inline bring_up(s) {             /* bringUp, launch; until-ready.ts untilReady */
  spawn(s);
#ifdef RECORD_AFTER_START
  go(); write_record(s);
#else
  write_record(s); go();
#endif
#ifdef SWITCH_BEFORE_READY
  passed = true
#else
  if
  :: PROBE_OK(s) -> passed = true
  :: !ALIVE(s) -> passed = false                     /* exited */
  :: !is_last && ALIVE(s) && !PROBE_OK(s) -> passed = false   /* deadline: a version that is never ready */
  fi
#endif
}

/* ---- src/operations: what each command does next, decided anew each time that the lock is taken ---- */
#define EMPTY_SLOT (ALIVE(0) -> 1 : 0)
#define SLOT_TO_UPDATE (link == NONE -> EMPTY_SLOT : OTHER(link))      /* update.ts slotToUpdate */
#ifdef FORGET_INTENT
#define SUPERSEDED false
#else
#define SUPERSEDED (intended_up && !desired_up)                        /* src/operations/intent.ts assertStillWanted */
#endif
inline choose() {
  action = nothing;
  if
  :: command == update ->        /* update.ts: spareTheHealthyOne, then renew */
     if
     :: SUPERSEDED
     :: !SUPERSEDED && phase == 0 ->
        if
        :: desired_up && !HEALTHY_ACTIVE -> fail_over()
        :: else -> action = next_phase
        fi
     :: !SUPERSEDED && phase == 1 -> action = renew; slot = SLOT_TO_UPDATE
     fi
  :: command == keepalive && desired_up && !HEALTHY_ACTIVE ->          /* heal.ts heal; examine.ts examine */
     if
     :: phase == 0 -> fail_over()                                      /* switchToReady */
     :: else ->
        action = renew; slot = SLOT_TO_UPDATE;
        if                                                             /* slotToHeal */
        :: link != NONE && !ALIVE(link) && ALIVE(slot) -> slot = link; remove_link()
        :: else
        fi
     fi
  :: command == keepalive && !(desired_up && !HEALTHY_ACTIVE)
  :: command == stop_inactive -> /* stop.ts stopInactive: the slot was named before the lock */
     if
     :: link == slot || !ALIVE(slot)
     :: link != slot && desired_up && !HEALTHY_ACTIVE && READY(slot)   /* what keepalive will switch to */
     :: else -> action = stop_only
     fi
  :: command == switch_slot ->   /* switch.ts switchTo */
     slot = SLOT_TO_UPDATE;
     if :: link == NONE && !READY(slot) -> slot = OTHER(slot) :: else fi;
     if :: READY(slot) && !SUPERSEDED -> action = move_only :: else fi
  :: command == stop_all ->      /* stop.ts stopAll */
     if
     :: phase == 0 ->
        d_step {
          down = true; served = false;
#ifndef FORGET_DESIRED
          desired_up = false     /* wantDown */
#endif
        }
        link = NONE;             /* removeLink */
        action = next_phase
     :: phase > 0 && (desired_up || !ALIVE(phase - 1)) -> action = (phase == 1 -> next_phase : nothing)
     :: else -> slot = phase - 1; action = stop_only
     fi
  fi
}
inline fail_over() {             /* fail-over.ts failOver */
  slot = (link == NONE -> 0 : OTHER(link));
  if :: link == NONE && !READY(slot) -> slot = 1 :: else fi;
  action = (READY(slot) -> (command == update -> next_phase : move_only) : next_phase);
  if :: command == update && READY(slot) -> move_traffic(slot) :: else fi
}

proctype Manager(byte me; byte command; bool is_last) {
  byte slot, phase, before, p;
  bool intended_up, was_down, passed;
  mtype action;
  {
    d_step {
      intended_up = desired_up;  /* src/operations/intent.ts */
      if :: command == stop_inactive -> slot = (link == NONE -> 0 : OTHER(link)) :: else fi;
    }
    if                           /* keepalive.ts: healthy, or left down, and no lock taken; update.ts: nothing to spare */
    :: command == keepalive && (HEALTHY_ACTIVE || !desired_up) -> goto done
    :: command == update && (HEALTHY_ACTIVE || !desired_up) -> phase = 1
    :: else
    fi;
  attempt:                       /* src/operations/empty-slot.ts inEmptySlot, around every command */
    lock();
    settle();
    choose();
  act:
    if
    :: action == nothing -> unlock(); goto done
    :: action == move_only -> move_traffic(slot); unlock(); goto done
    :: action == next_phase -> unlock(); phase++; goto attempt
    :: action == renew || action == stop_only ->
#ifndef NO_LINK_AGE
       !ON_THE_WAY(slot);        /* drain.ts isQuiet: MIN_LINK_AGE_MS; in an empty slot, the time that a start takes */
#endif
       if
       :: ALIVE(slot) ->
#ifndef SIGNAL_BEFORE_DRAIN
          if
          :: CONNECTED(rec[slot].proc) ->
             p = rec[slot].proc;
#ifndef LOCK_HELD_WHILE_DRAINING
             unlock();
#endif
             assert(inside != me);                   /* I5: the lock is never held while connections drain */
#ifndef ASK_AGAIN_AND_AGAIN
             !CONNECTED(p);      /* drain.ts drain */
#endif
#ifdef NO_LOOK_AGAIN
             lock();
             goto act
#else
             goto attempt
#endif
          :: else
          fi;
#endif
          take_down(slot)
       :: else
       fi;
       if
       :: action == stop_only && command == stop_all && phase == 1 -> unlock(); phase++; goto attempt
       :: action == stop_only && !(command == stop_all && phase == 1) -> unlock(); goto done
       :: action == renew ->
          bring_up(slot);
          if
          :: passed -> move_traffic(slot)
          :: else -> take_down(slot)                 /* bring-up.ts undoable */
          fi;
          unlock()
       fi
    fi;
  done:
    skip;
    d_step { slot = 0; phase = 0; p = 0; passed = false; action = 0 }
  } unless { doomed[me] }
  finished[me] = true
}

/* ---- Everybody else ---- */
proctype Client(byte c) {        /* one request: read the link, connect, be accepted, be answered */
  if
  :: client[c] == idle ->
     if
     :: d_step { link != NONE -> client_at[c] = link; client[c] = resolved }
     :: d_step { link == NONE -> assert(!served) }; goto end_of_it       /* I1, I2: there is always a link */
     fi;
     d_step {
       if
       :: sock[client_at[c]] != NONE -> client_at[c] = sock[client_at[c]]; client[c] = queued
       :: else -> assert(was_killed[client_at[c]]); client[c] = over   /* I2: refused */
       fi
     }
  :: else
  fi;
  if
  :: d_step { client[c] == queued -> client[c] = accepted }
  :: client[c] != queued
  fi;
end_of_it:
  skip;
  d_step { client[c] = over; client_at[c] = 0 }
}

inline drop_connections(q, excused) {
  c = 0;
  do
  :: c < CLIENTS ->
     if
     :: client_at[c] == q && (client[c] == queued || client[c] == accepted) ->
        assert(excused);         /* I2: a request died with a backend that we signalled */
        client[c] = over
     :: else
     fi;
     c++
  :: else -> break
  od
}
#define BACKEND(q) \
  :: d_step { kind[q] == gated && doomed[parent[q]] -> kind[q] = free } \
  :: d_step { kind[q] == booting -> kind[q] = ready; sock[slot_of[q]] = q; was_killed[slot_of[q]] = false } \
  /* Node and libuv unlink the socket by its name when they close. */ \
  :: d_step { kind[q] == signalled -> drop_connections(q, false); sock[slot_of[q]] = NONE; kind[q] = closing } \
  :: d_step { kind[q] == closing -> kind[q] = free; parent[q] = 0 } \
  :: d_step { kills > 0 && (kind[q] == booting || kind[q] == ready || kind[q] == signalled) -> \
       kills--; drop_connections(q, true); was_killed[slot_of[q]] = true; \
       if :: sock[slot_of[q]] == q -> sock[slot_of[q]] = NONE :: else fi; kind[q] = free } \
  :: d_step { reuses > 0 && kind[q] == free && (rec[0].proc == q || rec[1].proc == q) -> reuses--; gen[q]++; kind[q] = stranger }
#define CRASH(m) \
  :: d_step { crashes > 0 && _nr_pr > 1 && !finished[m] && !doomed[m] -> crashes--; doomed[m] = true; \
       if :: gate == m -> gate = NONE :: else fi; if :: inside == m -> inside = NONE :: else fi }
proctype World() {
  byte c;
end:
  do
  BACKEND(0) BACKEND(1) BACKEND(2) BACKEND(3)
  CRASH(0) CRASH(1)
  /* I1: as long as the app is served, the link leads to a socket on which somebody listens, or listened until killed. */
  :: d_step { served && (link == NONE || (sock[link] == NONE && !was_killed[link])) ->
     assert(false) }             /* I1 */
  od
}

inline backend_at_start(s, q) {
  kind[q] = ready; gen[q] = 1; slot_of[q] = s; sock[s] = q; rec[s].proc = q; rec[s].gen = 1
}
inline any_command(which) {
  if
  :: which = update :: which = stop_inactive :: which = switch_slot :: which = keepalive :: which = stop_all
  fi
}
init {
  byte first, second;
  byte m;
  atomic {
    if                           /* an app that serves, with or without a warm old version; or one that never ran */
    :: backend_at_start(0, 0); link = 0; served = true;
       if
       :: backend_at_start(1, 1);
          if :: client[0] = accepted; client_at[0] = 1 :: skip fi     /* from before the switch */
       :: skip
       fi
    :: was_killed[0] = true
    fi;
    if                           /* left by a killed command: with a holder, or before it had written its name */
    :: crashes > 0 -> crashes--; lock_dir = 1; if :: holder = 5; doomed[5] = true :: skip fi
    :: skip
    fi;
#ifdef PAIR
    first = PAIR_FIRST; second = PAIR_SECOND;
#else
    any_command(first); any_command(second);
#endif
    if :: first > second -> m = first; first = second; second = m; m = 0 :: else fi;   /* the same the other way round */
    run World(); run Manager(0, first, false); run Manager(1, second, false);
    run Client(0);
#if CLIENTS > 1
    run Client(1);
#endif
  }
  atomic { finished[0] && finished[1] -> kills = 0; crashes = 0; reuses = 0 }
  /* The same command again. */
  if :: doomed[0] -> run Manager(2, first, true); finished[2] :: else fi;
  if :: doomed[1] -> run Manager(3, second, true); finished[3] :: else fi;
  run Manager(4, keepalive, true);
  finished[4];
  /* I5, I6, I7: what it comes to, when nobody is disturbed any more. */
  atomic {
    assert(!HELD && gate == NONE);                                     /* I5 */
    assert(!temp_link);                                                /* I7 */
    assert(desired_up == !down);                                       /* I6 */
    assert(!desired_up || HEALTHY_ACTIVE);                             /* I5 */
    assert(desired_up || (link == NONE && sock[0] == NONE && sock[1] == NONE));   /* I6 */
    byte q = 0;
    do
    :: q < PIDS ->
       assert(!IS_RUNNING(q) || (rec[slot_of[q]].proc == q && rec[slot_of[q]].gen == gen[q]));   /* I7 */
       q++
    :: else -> break
    od
  }
}
