//! What is not held against the core although a promise is broken, each for its reason. Set one to `false` to see
//! what it hides.

/// The shared place (IndexedDB) goes out or comes back while a refresh that was made without it is unknown to some:
/// what came of it is in no place that they can read. With locks they do see that somebody presents, and a second
/// request beside one under way is never excused; without locks, tabs that talk and tabs that look do not see each
/// other for that moment. Nor is it excused where a running page has had the newer set since the question could be
/// put, or has been presenting for a moment: it says so to all who ask. But who has just got up is not made to wait
/// for that answer: every page would come back late, for one database in a million.
pub(crate) const OUTAGES_OF_THE_SHARED_PLACE: bool = true;

/// The user clears the shared place while the only page that could tell stands still or has signed in anew, or as
/// the page that looks wakes. With locks, only for what came of a request; that one is under way shows in the line.
/// What was cleared may be the claim of a request that leaves within the second. Nor where a running page can tell,
/// as above.
pub(crate) const CLEARED_WHILE_NOBODY_CAN_TELL: bool = true;

/// Without locks and without a shared place tabs can only talk, and one that stands still or has signed in anew
/// says nothing of what it had under way.
pub(crate) const TALK_WITH_ONE_THAT_STANDS_STILL: bool = true;

/// Without a shared place, or where it has failed, how often a page has asked is known to that page alone: after
/// its end, or when it has signed in anew and no longer listens, nobody keeps the bound for it. And who has just got
/// up may not have heard it yet.
pub(crate) const RATE_OF_THOSE_WHO_CANNOT_TELL: bool = true;

/// Processes begun before and after a clock step reckon by other origins. What one of them sent before the last step
/// is of an unknown age to the other, by either clock.
pub(crate) const RATE_ABOUT_A_CLOCK_STEP: bool = true;

/// A page that dies within milliseconds of a sign-out, or whose shared place fails or is cleared then, leaves
/// nothing written; tabs that could not hear it cannot know.
pub(crate) const SIGN_OUT_THAT_WAS_NEVER_WRITTEN: bool = true;
