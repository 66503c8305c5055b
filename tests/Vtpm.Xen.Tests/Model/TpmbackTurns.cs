using Xunit;

namespace Vtpm.Xen.Tests;

/// <summary>A backend that is run by hand.</summary>
internal static class TpmbackTurns
{
    /// <summary>As many turns as anything takes.</summary>
    public static void Turns(this Tpmback back)
    {
        for (int i = 0; i < 8; i++) back.Turn(TimeSpan.Zero);
    }

    /// <summary>Has a guest's frontend connect, as a kernel's driver does.</summary>
    public static RawFrontend Connect(this Tpmback back, RawFrontend guest)
    {
        back.Turns();
        guest.Publish();
        back.Turns();
        Assert.Equal("4", guest.BackendState);
        return guest;
    }
}
