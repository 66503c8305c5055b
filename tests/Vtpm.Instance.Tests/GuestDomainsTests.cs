using Xunit;

namespace Vtpm.Instance.Tests;

/// <summary>A vTPM in a domain of its own, and the guests that come one after the other.</summary>
public class GuestDomainsTests
{
    private readonly List<string> _log = [];
    private int _resets;

    [Fact]
    public void Open_TheFirstGuest_FindsTheTpmAsItWasStarted()
    {
        Assert.True(Make().Open(7));
        Assert.Equal(0, _resets);
    }

    [Fact]
    public void Open_AnotherDomain_IsAnotherBoot()
    {
        GuestDomains guests = Make();
        guests.Open(7);
        guests.Close();
        Assert.True(guests.Open(8));
        Assert.Equal(1, _resets);
        Assert.Contains(_log, line => line.Contains("domain 8 follows domain 7", StringComparison.Ordinal));
    }

    [Fact]
    public void Open_TheSameDomainAgain_HasItsTpmAsItWas()
    {
        GuestDomains guests = Make();
        guests.Open(7);
        guests.Close();
        Assert.True(guests.Open(7));
        Assert.Equal(0, _resets);
    }

    [Fact]
    public void Open_ASecondDomainBesideTheFirst_SharesItsTpm_AndIsNoReset()
    {
        GuestDomains guests = Make();
        guests.Open(7);
        Assert.True(guests.Open(8));
        Assert.Equal(0, _resets);
        Assert.Contains(_log, line => line.Contains("domain 8 shares the TPM of domain 7", StringComparison.Ordinal));
        guests.Close();
        guests.Close();
        guests.Open(9);
        Assert.Equal(1, _resets);
    }

    [Fact]
    public void Open_ATpmThatDoesNotStart_IsNotHadByTheNextGuest_NorByTheOneAfter()
    {
        var guests = new GuestDomains(() => throw new VtpmStartException("no manager"), _log.Add);
        guests.Open(7);
        guests.Close();
        Assert.False(guests.Open(8));
        Assert.False(guests.Open(9));
        Assert.Contains(_log, line => line.Contains("domain 8 gets no TPM: no manager", StringComparison.Ordinal));
    }

    private GuestDomains Make() => new(() => _resets++, _log.Add);
}
