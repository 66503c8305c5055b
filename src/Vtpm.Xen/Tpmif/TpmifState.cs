namespace Vtpm.Xen;

/// <summary>Whose turn the shared page says it is (<c>enum vtpm_state</c> of Xen's tpmif.h).</summary>
internal enum TpmifState : byte
{
    /// <summary>Nothing is asked; the page belongs to the frontend.</summary>
    Idle = 0,

    /// <summary>The frontend has put a request there; the page belongs to the backend.</summary>
    Submit = 1,

    /// <summary>The backend has put the response there.</summary>
    Finish = 2,

    /// <summary>The frontend has lost patience.</summary>
    Cancel = 3,
}

/// <summary>The state of either end of a device in xenstore (<c>enum xenbus_state</c>).</summary>
internal enum XenbusState
{
    Unknown = 0,
    Initialising = 1,
    InitWait = 2,
    Initialised = 3,
    Connected = 4,
    Closing = 5,
    Closed = 6,
}
