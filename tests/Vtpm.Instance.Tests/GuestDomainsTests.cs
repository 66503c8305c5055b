using Xunit;

namespace Vtpm.Instance.Tests;

/// <summary>A vTPM in a domain of its own, and the guests that come one after the other.</summary>
public class GuestDomainsTests
{
    private readonly List<string> _log = [];
    /// <summary>Each with whether the boot is lost.</summary>
    private readonly List<bool> _resets = [];

    [Fact]
    public void Open_TheFirstGuest_FindsTheTpmAsItWasStarted()
    {
        Assert.True(Make().Open(7, ranBefore: false));
        Assert.Empty(_resets);
    }

    [Fact]
    public void Open_AnotherDomain_IsAnotherBoot()
    {
        GuestDomains guests = Make();
        guests.Open(7, ranBefore: false);
        guests.Close();
        Assert.True(guests.Open(8, ranBefore: false));
        Assert.Equal([false], _resets);
        Assert.Contains(_log, line => line.Contains("domain 8 follows domain 7", StringComparison.Ordinal));
    }

    [Fact]
    public void Open_TheSameDomainAgain_HasItsTpmAsItWas()
    {
        GuestDomains guests = Make();
        guests.Open(7, ranBefore: false);
        guests.Close();
        Assert.True(guests.Open(7, ranBefore: false));
        Assert.Empty(_resets);
    }

    [Fact]
    public void Open_ASecondDomainBesideTheFirst_SharesItsTpm_AndIsNoReset()
    {
        GuestDomains guests = Make();
        guests.Open(7, ranBefore: false);
        Assert.True(guests.Open(8, ranBefore: false));
        Assert.Empty(_resets);
        Assert.Contains(_log, line => line.Contains("domain 8 shares the TPM of domain 7", StringComparison.Ordinal));
        guests.Close();
        guests.Close();
        guests.Open(9, ranBefore: false);
        Assert.Equal([false], _resets);
    }

    [Fact]
    public void Open_ATpmThatDoesNotStart_IsNotHadByTheNextGuest_NorByTheOneAfter()
    {
        var guests = new GuestDomains(_log.Add);
        guests.Start(_ => throw new VtpmStartException("no manager"));
        guests.Open(7, ranBefore: false);
        guests.Close();
        Assert.False(guests.Open(8, ranBefore: false));
        Assert.False(guests.Open(9, ranBefore: false));
        Assert.Contains(_log, line => line.Contains("domain 8 gets no TPM: no manager", StringComparison.Ordinal));
    }

    [Fact]
    public void Open_ADomainThatRanBefore_HasNoRecordOfItsBoot_AndTheNextHas()
    {
        GuestDomains guests = Make();
        Assert.True(guests.Open(7, ranBefore: true));
        Assert.Equal([true], _resets);
        Assert.Contains(_log, line => line.Contains("NO RECORD OF THE BOOT of domain 7", StringComparison.Ordinal));
        guests.Close();
        guests.Open(8, ranBefore: false);
        Assert.Equal([true, false], _resets);
    }

    [Fact]
    public void Open_TheSameDomainAgain_HavingRunHere_HasItsTpmAsItWas()
    {
        GuestDomains guests = Make();
        guests.Open(7, ranBefore: false);
        guests.Close();
        Assert.True(guests.Open(7, ranBefore: true));
        Assert.Empty(_resets);
    }

    [Fact]
    public void Open_ADomainThatRanBefore_BesideAnother_TakesTheRecordOfBoth_Once()
    {
        GuestDomains guests = Make();
        guests.Open(7, ranBefore: false);
        guests.Open(8, ranBefore: true);
        guests.Open(8, ranBefore: true);
        Assert.Equal([true], _resets);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Start_AfterTheFirstGuestHasCome_IsAsItIsToBeForThatOne(bool ranBefore)
    {
        var guests = new GuestDomains(_log.Add);
        guests.Open(7, ranBefore);
        guests.Start(_resets.Add);
        Assert.Equal(ranBefore ? [true] : [], _resets);
    }

    [Fact]
    public void Start_WhenTheFirstGuestHasGoneAgain_IsForTheSecond()
    {
        var guests = new GuestDomains(_log.Add);
        guests.Open(7, ranBefore: true);
        guests.Close();
        guests.Open(8, ranBefore: false);
        guests.Start(_resets.Add);
        Assert.Empty(_resets);
    }

    private GuestDomains Make()
    {
        var guests = new GuestDomains(_log.Add);
        guests.Start(_resets.Add);
        return guests;
    }
}
