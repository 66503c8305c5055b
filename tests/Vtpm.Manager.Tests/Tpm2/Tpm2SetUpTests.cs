using System.Text;
using Vtpm.Client;
using Vtpm.Client.Tests.Support;
using Vtpm.Manager.Tests.Support;
using Vtpm.Storage;
using Vtpm.TestKit;
using Xunit;

namespace Vtpm.Manager.Tests.Tpm2;

/// <summary>What the manager makes of the TPM 2.0 that it finds: versions, storage keys, authorizations.</summary>
public sealed class Tpm2SetUpTests : IDisposable
{
    private const uint Usual = 0x81000001;
    private const uint Other = 0x81000010;
    private readonly Tpm2Machine _machine = new();

    public void Dispose() => _machine.Dispose();

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void Start_OnATpm12WithTpm2_SaysSo(HardwareKind kind)
    {
        using TestHardware one = TestHardware.Create(kind);
        string message =
            Assert.Throws<ManagerException>(() => new ManagerRig(one, new byte[ManagerImage.DefaultLength], with: Tpm2Machine.Options)).Message;
        Assert.Contains("the hardware is a TPM 1.2", message, StringComparison.Ordinal);
        Assert.Contains("leave tpm2=1 out", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("80010000000a0000001e")]   // TPM_RC_BAD_TAG, of the specification
    [InlineData("00c40000000a0000001e")]
    [InlineData("80010000000a000b0143")]   // of Linux's resource manager
    public void Start_OnATpm20WithoutTpm2_SaysSo(string? answer)
    {
        if (answer is not null) _machine.Script = (_, _) => Convert.FromHexString(answer);
        string message = Assert.Throws<ManagerException>(() => new ManagerRig(_machine, new byte[ManagerImage.DefaultLength])).Message;
        Assert.Contains("the hardware is a TPM 2.0", message, StringComparison.Ordinal);
        Assert.Contains("add tpm2=1", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Start_OnATpmThatWasNotStarted_StartsIt()
    {
        _machine.PowerCycle(startup: false);
        using ManagerRig rig = _machine.Manager();
        Assert.Contains(rig.Log, line => line.StartsWith("INFO[TPM]: TPM2_Startup(TPM_SU_CLEAR)", StringComparison.Ordinal));
        Assert.True(rig.Manager.IsProvisioned);
    }

    [Fact]
    public void Start_OnATpmWithLeftovers_FlushesThem()
    {
        for (int i = 0; i < 3; i++) _machine.Raw.CreatePrimary(RawTpm2.EccStorageKey, []);
        using ManagerRig rig = _machine.Manager();
        Assert.Contains(rig.Log, line => line.Contains("flushed 3 handles", StringComparison.Ordinal));
        Assert.Single(_machine.Raw.Handles(TpmRh.TransientFirst));   // the manager's own
    }

    [Fact]
    public void Start_WithoutAnyStorageKey_UsesAPrimaryKeyAndMakesNothingPersistent()
    {
        using ManagerRig rig = _machine.Manager();
        Assert.Contains(rig.Log, line => line.Contains("a primary key of the owner's hierarchy (TPM_ALG_Ecc), made at every start", StringComparison.Ordinal));
        Assert.Empty(_machine.Raw.Handles(TpmRh.PersistentFirst));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Start_WithTheUsualStorageKey_UsesIt(bool isRsa)
    {
        _machine.Raw.MakePersistent(isRsa ? RawTpm2.RsaStorageKey : RawTpm2.EccStorageKey, Usual);
        using ManagerRig rig = _machine.Manager();
        Assert.Contains(rig.Log, line => line.Contains($"the storage root key 0x81000001 (TPM_ALG_{(isRsa ? "Rsa" : "Ecc")})", StringComparison.Ordinal));
        AssertReopens(rig);
    }

    [Fact]
    public void Start_WithSomethingElseInTheUsualPlace_LeavesItAndUsesAPrimaryKey()
    {
        _machine.Raw.MakePersistent(RawTpm2.SigningKey, Usual);
        using ManagerRig rig = _machine.Manager();
        Assert.Contains(rig.Log, line => line.Contains("no storage key that can be sealed under, and stays", StringComparison.Ordinal));
        AssertReopens(rig);
        Assert.Equal([Usual], _machine.Raw.Handles(TpmRh.PersistentFirst));
    }

    /// <summary>The system's own set-up may make a storage root key at any time, also another one than ours.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Start_AfterOthersHaveMadeOrTakenAwayAStorageKey_StillOpens(bool isTakenAway)
    {
        if (isTakenAway) _machine.Raw.MakePersistent(RawTpm2.RsaStorageKey, Usual);
        using ManagerRig rig = _machine.Manager();
        if (isTakenAway) _machine.Raw.Evict(Usual, Usual);
        else _machine.Raw.MakePersistent(RawTpm2.RsaStorageKey, Usual);
        AssertReopens(rig);
        Assert.True(_machine.Raw.Handles(TpmRh.TransientFirst).Length <= 1);
    }

    [Fact]
    public void Start_WithSrkHandle_UsesThatKeyAndNoOther()
    {
        _machine.Raw.MakePersistent(RawTpm2.RsaStorageKey, Usual);
        _machine.Raw.MakePersistent(RawTpm2.EccStorageKey, Other);
        using ManagerRig rig = _machine.Manager(with: options => options with { SrkHandle = Other });
        Assert.Contains(rig.Log, line => line.Contains("seals under the storage key 0x81000010", StringComparison.Ordinal));
        AssertReopens(rig);
        string message =
            Assert.Throws<ManagerException>(() => rig.Restart(options => Tpm2Machine.Options(options) with { SrkHandle = Usual })).Message;
        Assert.Contains("under another storage key", message, StringComparison.Ordinal);
        rig.Restart(Tpm2Machine.Options);   // The key at 0x81000010 is a primary key, so that it is found without being named.
    }

    [Theory]
    [InlineData("nothing", "the hardware TPM has nothing there")]
    [InlineData("signing", "no storage key of this TPM alone")]
    [InlineData("movable", "no storage key of this TPM alone")]
    public void Start_WithSrkHandleOfNoStorageKey_RefusesAndSaysWhy(string what, string expected)
    {
        if (what != "nothing") _machine.Raw.MakePersistent(what == "signing" ? RawTpm2.SigningKey : RawTpm2.MovableStorageKey, Other);
        string message = Assert.Throws<ManagerException>(() => _machine.Manager(with: options => options with { SrkHandle = Other })).Message;
        Assert.Contains("srk_handle=0x81000010", message, StringComparison.Ordinal);
        Assert.Contains(expected, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0x80000000)]
    [InlineData(0x81800000)]
    [InlineData(0x40000001)]
    public void Start_WithSrkHandleOfNoPersistentKeyOfTheOwner_IsRefused(uint handle) =>
        Assert.Contains("srk_handle=", Assert.Throws<ManagerException>(() => _machine.Manager(with: options => options with { SrkHandle = handle })).Message, StringComparison.Ordinal);

    [Fact]
    public void Start_WithTheOwnersAuthorization_MakesTheStorageRootKeyThatThenNeedsItNoMore()
    {
        _machine.Raw.SetOwnerAuth("owner's password"u8.ToArray());
        using ManagerRig rig = _machine.Manager(with: options => options with { OwnerAuth = "text:owner's password", SrkAuth = "text:key's" });
        Assert.Contains(rig.Log, line => line.Contains("made the storage root key 0x81000001", StringComparison.Ordinal));
        Assert.Equal([Usual], _machine.Raw.Handles(TpmRh.PersistentFirst));
        rig.Restart(options => Tpm2Machine.Options(options) with { SrkAuth = "text:key's" });
        Assert.True(rig.Manager.IsProvisioned);
        AssertNowhere("owner's password");
        AssertNowhere("key's");
    }

    [Theory]
    [InlineData("well-known")]
    [InlineData("text:a guess")]
    public void Start_WithAnotherOwnersAuthorization_RefusesAndNamesTheArgument(string given)
    {
        _machine.Raw.SetOwnerAuth("owner's password"u8.ToArray());
        string message = Assert.Throws<ManagerException>(() => _machine.Manager(with: options => options with { OwnerAuth = given })).Message;
        Assert.StartsWith("owner_auth= is not", message, StringComparison.Ordinal);
        Assert.Contains("srk_handle=", message, StringComparison.Ordinal);
        Assert.DoesNotContain("guess", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hash:000102030405060708090a0b0c0d0e0f10111213", "000102030405060708090a0b0c0d0e0f10111213")]
    [InlineData("hash:0102030405060708090a0b0c0d0e0f1011121300", "0102030405060708090a0b0c0d0e0f10111213")]   // A zero at the end is none.
    public void Start_WithAHash_TakesItsBytes(string given, string auth)
    {
        _machine.Raw.SetOwnerAuth(Convert.FromHexString(auth));
        using ManagerRig rig = _machine.Manager(with: options => options with { OwnerAuth = given });
        Assert.True(rig.Manager.IsProvisioned);
    }

    [Fact]
    public void Start_WithAnotherAuthorizationOfTheStorageKey_RefusesAndNamesTheArgument()
    {
        _machine.Raw.MakePersistent(RawTpm2.EccStorageKey, Usual, "key's"u8.ToArray());
        using ManagerRig rig = _machine.Manager(with: options => options with { SrkAuth = "text:key's" });
        AssertReopens(rig);
        string message = Assert.Throws<ManagerException>(() => rig.Restart(Tpm2Machine.Options)).Message;
        Assert.StartsWith("srk_auth= is not", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Provision_WithAnotherAuthorizationOfTheStorageKey_FailsAndNamesTheArgument()
    {
        _machine.Raw.MakePersistent(RawTpm2.EccStorageKey, Usual, "key's"u8.ToArray());
        using ManagerRig rig = _machine.Manager(provision: false);
        Assert.Throws<ManagerException>(() => rig.Provision());
        Assert.Contains(rig.Log, line => line.Contains("srk_auth= is not the storage key's", StringComparison.Ordinal));
        Assert.False(rig.Manager.IsProvisioned);
    }

    [Theory]
    [InlineData("password")]
    [InlineData("text:0123456789012345678901234567890123456789012345678901234567890123456789")]
    public void Start_WithAMalformedSecret_NamesTheArgumentAndNotTheSecret(string given)
    {
        string message = Assert.Throws<ManagerException>(() => _machine.Manager(with: options => options with { OwnerAuth = given })).Message;
        Assert.StartsWith("owner_auth=: ", message, StringComparison.Ordinal);
        Assert.DoesNotContain("password", message, StringComparison.Ordinal);
        Assert.DoesNotContain("0123", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Start_OnATpmOutOfOrder_SaysSo()
    {
        _machine.Script = (request, send) => request[9] == 0x43 ? Convert.FromHexString("80010000000a00000101") : send(request);
        Assert.Contains("failed its self-test", Assert.Throws<ManagerException>(() => _machine.Manager()).Message, StringComparison.Ordinal);
    }

    private static void AssertReopens(ManagerRig rig)
    {
        Guid uuid = Guid.NewGuid();
        byte[] key = [.. Enumerable.Range(1, 52).Select(i => (byte)i)];
        using (VtpmManagerClient vtpm = rig.Vtpm(uuid)) vtpm.SaveHashKey(key);
        rig.Restart();
        using VtpmManagerClient again = rig.Vtpm(uuid);
        byte[] loaded = new byte[64];
        Assert.Equal(key, loaded[..again.LoadHashKey(loaded)]);
    }

    private void AssertNowhere(string secret)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(secret);
        Assert.NotEmpty(_machine.Traffic);
        Assert.DoesNotContain(_machine.Traffic, message => message.AsSpan().IndexOf(bytes) >= 0);
    }
}
