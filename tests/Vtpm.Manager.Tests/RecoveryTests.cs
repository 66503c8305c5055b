using System.Numerics;
using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Client.Tests.Support;
using Vtpm.Manager.Tests.Support;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

/// <summary>
/// What GROUP_REGISTER gives to an authority opens the group where no approved platform can. Group 0 is sealed to PCRs 0 to 7, group 1 to PCR 8: what
/// changes between two starts.
/// </summary>
public sealed class RecoveryTests
{
    private const int Pcr = 8;
    private static readonly Guid Vtpm = new("11111111-2222-3333-4444-555555555555");
    private static readonly byte[] SelectPcr = [0, 1, 0];

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void Recovery_OnAnotherPlatform_BringsBackTheVtpmsKeysAndSealsThemThere(HardwareKind kind)
    {
        using var site = new Site(kind);
        byte[] groupKeys = site.Register();
        site.ChangeThePlatform();
        using (VtpmManagerClient closed = site.Rig.Vtpm(Vtpm)) Assert.Equal(TpmResult.AuthFail, Refusal(() => closed.LoadHashKey(new byte[64])));

        // An identity key that the authority comes to trust; its binding is the least that a privacy CA looks at.
        VtpmMakeIdentityResponse proxy = site.MakeProxy();
        using VtpmManagerClient administrator = site.Rig.Administrator();
        TpmDigest value = administrator.Hardware.PcrRead(Pcr);
        TpmNonce nonce = new(RandomNumberGenerator.GetBytes(20));
        VtpmGroupRecover1Response asked = site.Recover1(proxy.IdKey, nonce);
        byte[] externalData = [.. "RCVR"u8, .. nonce.ReadOnlySpan, .. asked.Dhkx1.Span];
        Assert.True(TestAuthority.IsQuote(proxy.IdKey.PubKey.Key.Span, SelectPcr, value.ReadOnlySpan.ToArray(), externalData, asked.Quote.Span));
        Assert.True(site.State(1).HasFlag(VtpmGroupStates.Recovering));

        BigInteger secret = TestAuthority.NewSecret();
        site.Recover2(TestAuthority.Public(secret), TestAuthority.Mask(asked.Dhkx1.Span, secret, groupKeys));
        Assert.Equal(VtpmGroupStates.Open | VtpmGroupStates.Authority | VtpmGroupStates.Recovered, site.State(1));
        using (VtpmManagerClient recovered = site.Rig.Vtpm(Vtpm))
        {
            Assert.Equal(site.KeyData, Load(recovered));
            Assert.Equal(TpmResult.Fail, Refusal(() => recovered.GetQuote(new VtpmGetQuoteRequest { PcrSelection = TpmPcrSelection.Of(Pcr) })));
        }

        ReadOnlyMemory<byte> aik = administrator.Manage<VtpmGroupIdentityRequest, VtpmGroupIdentityResponse>(
            VtpmManagerOrdinal.GroupIdentity, new VtpmGroupIdentityRequest { Group = 1 }).AikModulus;
        site.Update(2, value);
        Assert.Equal(VtpmGroupStates.Open | VtpmGroupStates.Authority | VtpmGroupStates.Identity, site.State(1));

        site.Rig.Restart();
        using VtpmManagerClient again = site.Rig.Vtpm(Vtpm);
        Assert.Equal(site.KeyData, Load(again));
        VtpmGetQuoteResponse quote = again.GetQuote(new VtpmGetQuoteRequest { PcrSelection = TpmPcrSelection.Of(Pcr) });
        using RSA key = RSA.Create(new RSAParameters { Modulus = aik.ToArray(), Exponent = [1, 0, 1] });
        byte[] info =
        [
            1, 1, 0, 0, .. "QUOT"u8, .. SHA1.HashData((byte[])[0, 3, .. SelectPcr, 0, 0, 0, 20, .. value.ReadOnlySpan]), .. SHA1.HashData(new byte[24]),
        ];
        Assert.True(key.VerifyData(info, quote.Signature.Span, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1));
    }

    /// <summary>The same by the library that an authority uses, and everything that it is to notice.</summary>
    [Fact]
    public void AuthoritysSide_JudgesEveryFieldOfBothExchanges()
    {
        using var site = new Site(HardwareKind.Engine);
        using VtpmManagerClient administrator = site.Rig.Administrator();
        using var registration = new GroupRegistration(site.Authority.Key);
        TpmDigest composite = TestAuthority.Composite(Pcr, administrator.Hardware.PcrRead(Pcr));
        VtpmGroupRegisterResponse registered = administrator.Manage<VtpmGroupRegisterRequest, VtpmGroupRegisterResponse>(
            VtpmManagerOrdinal.GroupRegister, registration.Request(1, PcrList.ToSelection(1u << Pcr)));
        Guid uuid = site.Group.GroupUuid;
        byte[] aik = site.Group.AikModulus.ToArray();
        foreach (VtpmGroupRegisterResponse other in (VtpmGroupRegisterResponse[])
            [registered with { Dhkx2 = Changed(registered.Dhkx2) }, registered with { RecoverBlob = Changed(registered.RecoverBlob) }, registered with { Quote = Changed(registered.Quote) }])
            Assert.Throws<ManagerException>(() => registration.Complete(other, uuid, aik, composite));
        Assert.Throws<ManagerException>(() => registration.Complete(registered, uuid, Changed(aik).ToArray(), composite));
        Assert.Throws<ManagerException>(() => registration.Complete(registered, uuid, aik, TpmDigest.AllOnes));
        using GroupRecoveryKeys taken = registration.Complete(registered, uuid, aik, composite);
        using GroupRecoveryKeys keys = GroupRecoveryKeys.FromFile(taken.ToFile())!;
        Assert.Equal(uuid, keys.GroupUuid);
        Assert.Null(GroupRecoveryKeys.FromFile(taken.ToFile().AsSpan(1)));

        site.ChangeThePlatform();
        composite = TestAuthority.Composite(Pcr, administrator.Hardware.PcrRead(Pcr));
        TpmKey proxy = site.MakeProxy().IdKey;
        byte[] modulus = proxy.PubKey.Key.ToArray();
        var request = new VtpmGroupRecover1Request { Group = 1, ProxyAik = proxy, Nonce = new(RandomNumberGenerator.GetBytes(20)), PcrSelection = PcrList.ToSelection(1u << Pcr) };
        VtpmGroupRecover1Response asked = site.Recover1(proxy, request.Nonce);
        Assert.Throws<ManagerException>(() => GroupRecovery.Answer(keys, request with { Nonce = default }, asked, modulus, composite));
        Assert.Throws<ManagerException>(() => GroupRecovery.Answer(keys, request, asked with { Dhkx1 = Changed(asked.Dhkx1) }, modulus, composite));
        Assert.Throws<ManagerException>(() => GroupRecovery.Answer(keys, request, asked with { Quote = Changed(asked.Quote) }, modulus, composite));
        Assert.Throws<ManagerException>(() => GroupRecovery.Answer(keys, request, asked, aik, composite));
        Assert.Throws<ManagerException>(() => GroupRecovery.Answer(keys, request, asked, modulus, TestAuthority.Composite(Pcr, default)));
        VtpmGroupRecover2Request answer = GroupRecovery.Answer(keys, request, asked, modulus, composite);
        site.Recover2(answer.Dhkx2, answer.RecoverBlob);
        using VtpmManagerClient vtpm = site.Rig.Vtpm(Vtpm);
        Assert.Equal(site.KeyData, Load(vtpm));
    }

    [Fact]
    public void Recover2_WithOtherKeys_IsRefusedOnceAndLeavesTheGroupClosed()
    {
        using var site = new Site(HardwareKind.Engine);
        byte[] groupKeys = site.Register();
        site.ChangeThePlatform();
        TpmKey proxy = site.MakeProxy().IdKey;
        BigInteger secret = TestAuthority.NewSecret();
        byte[] dhkx2 = TestAuthority.Public(secret);
        VtpmGroupRecover1Response asked = site.Recover1(proxy, default);
        groupKeys[3] ^= 1;
        Assert.Equal(TpmResult.AuthFail, Refusal(() => site.Recover2(dhkx2, TestAuthority.Mask(asked.Dhkx1.Span, secret, groupKeys))));
        groupKeys[3] ^= 1;
        // Each question has one answer.
        Assert.Equal(TpmResult.Fail, Refusal(() => site.Recover2(dhkx2, TestAuthority.Mask(asked.Dhkx1.Span, secret, groupKeys))));
        Assert.False(site.State(1).HasFlag(VtpmGroupStates.Open));

        asked = site.Recover1(proxy, default);
        VtpmGroupRecover1Response later = site.Recover1(proxy, default);
        Assert.NotEqual(asked.Dhkx1.ToArray(), later.Dhkx1.ToArray());
        foreach (byte[] number in TestAuthority.NoPublics()) Assert.Equal(TpmResult.BadParameter, Refusal(() => site.Recover2(number, new byte[32])));
        site.Recover2(dhkx2, TestAuthority.Mask(later.Dhkx1.Span, secret, groupKeys));
        Assert.Equal(TpmResult.Fail, Refusal(() => site.Recover1(proxy, default)));   // It is open.
    }

    [Fact]
    public void Recover2_WithoutAQuestion_IsRefusedAlsoAfterARestart()
    {
        using var site = new Site(HardwareKind.Engine);
        byte[] groupKeys = site.Register();
        site.ChangeThePlatform();
        BigInteger secret = TestAuthority.NewSecret();
        Assert.Equal(TpmResult.Fail, Refusal(() => site.Recover2(TestAuthority.Public(secret), new byte[32])));
        VtpmGroupRecover1Response asked = site.Recover1(site.MakeProxy().IdKey, default);
        site.Rig.Restart();
        Assert.Equal(TpmResult.Fail, Refusal(() => site.Recover2(TestAuthority.Public(secret), TestAuthority.Mask(asked.Dhkx1.Span, secret, groupKeys))));
    }

    [Fact]
    public void Recover1_RefusesWhatItCannotAnswer()
    {
        using var site = new Site(HardwareKind.Engine);
        using VtpmManagerClient administrator = site.Rig.Administrator();
        TpmKey proxy = site.MakeProxy().IdKey;
        Assert.Equal(TpmResult.Fail, Refusal(() => site.Recover1(proxy, default)));   // It is open.
        site.ChangeThePlatform();
        var request = new VtpmGroupRecover1Request { Group = 2, ProxyAik = proxy, PcrSelection = TpmPcrSelection.Of(Pcr) };
        Assert.Equal(TpmResult.BadIndex, Refusal(() => site.Manage(VtpmManagerOrdinal.GroupRecover1, request)));
        request.Group = 1;
        request.PcrSelection.PcrSelect = new byte[33];
        Assert.Equal(TpmResult.BadParameter, Refusal(() => site.Manage(VtpmManagerOrdinal.GroupRecover1, request)));
        request.PcrSelection = TpmPcrSelection.Of(Pcr);
        // A key with a secret of its own, and one that is no key of this TPM.
        request.ProxyAik = site.MakeProxy(TpmDigest.AllOnes).IdKey;
        Assert.Equal(TpmResult.AuthFail, Refusal(() => site.Manage(VtpmManagerOrdinal.GroupRecover1, request)));
        request.ProxyAik.EncData = new byte[256];
        Assert.NotEqual(TpmResult.Success, Refusal(() => site.Manage(VtpmManagerOrdinal.GroupRecover1, request)));
        Assert.False(site.State(1).HasFlag(VtpmGroupStates.Recovering));
        Assert.Equal(TpmResult.BadIndex, Refusal(() => site.Manage(VtpmManagerOrdinal.GroupRecover2, new VtpmGroupRecover2Request { Group = 2, Dhkx2 = TestAuthority.Public(5) })));
    }

    /// <summary>What was registered before a rotation opens nothing; the new keys can be registered.</summary>
    [Fact]
    public void Rotation_MakesARegistrationVoidAndAnotherPossible()
    {
        using var site = new Site(HardwareKind.Engine);
        byte[] before = site.Register();
        site.Rig.Restart();
        Assert.Equal(TpmResult.Fail, Refusal(() => site.Register()));
        site.Manage(VtpmManagerOrdinal.GroupRotate, new VtpmGroupRequest { Group = 1 });
        byte[] after = site.Register();
        site.ChangeThePlatform();
        TpmKey proxy = site.MakeProxy().IdKey;
        BigInteger secret = TestAuthority.NewSecret();
        VtpmGroupRecover1Response asked = site.Recover1(proxy, default);
        Assert.Equal(TpmResult.AuthFail, Refusal(() => site.Recover2(TestAuthority.Public(secret), TestAuthority.Mask(asked.Dhkx1.Span, secret, before))));
        asked = site.Recover1(proxy, default);
        site.Recover2(TestAuthority.Public(secret), TestAuthority.Mask(asked.Dhkx1.Span, secret, after));
        using VtpmManagerClient vtpm = site.Rig.Vtpm(Vtpm);
        Assert.Equal(site.KeyData, Load(vtpm));
    }

    /// <summary>Before, its list is that of the platforms that it was to be saved from.</summary>
    [Fact]
    public void Rotation_OfARecoveredGroup_IsRefusedUntilItIsUpdated()
    {
        using var site = new Site(HardwareKind.Engine);
        byte[] groupKeys = site.Register();
        site.ChangeThePlatform();
        BigInteger secret = TestAuthority.NewSecret();
        VtpmGroupRecover1Response asked = site.Recover1(site.MakeProxy().IdKey, default);
        site.Recover2(TestAuthority.Public(secret), TestAuthority.Mask(asked.Dhkx1.Span, secret, groupKeys));
        var group = new VtpmGroupRequest { Group = 1 };
        Assert.Equal(TpmResult.Fail, Refusal(() => site.Manage(VtpmManagerOrdinal.GroupRotate, group)));
        Assert.Contains(
            site.Rig.Log,
            line => line.Contains("GroupRotate of group 1 refused", StringComparison.Ordinal)
                && line.Contains("(group-update)", StringComparison.Ordinal));

        using (VtpmManagerClient administrator = site.Rig.Administrator()) site.Update(2, administrator.Hardware.PcrRead(Pcr));
        site.Manage(VtpmManagerOrdinal.GroupRotate, group);
        site.Rig.Restart();
        using VtpmManagerClient vtpm = site.Rig.Vtpm(Vtpm);
        Assert.Equal(site.KeyData, Load(vtpm));
    }

    private static ReadOnlyMemory<byte> Changed(ReadOnlyMemory<byte> bytes)
    {
        byte[] changed = bytes.ToArray();
        changed[^2] ^= 0x10;
        return changed;
    }

    private static byte[] Load(VtpmManagerClient vtpm)
    {
        byte[] keyData = new byte[64];
        return keyData[..vtpm.LoadHashKey(keyData)];
    }

    private static TpmResult Refusal(Action action) => Assert.Throws<VtpmManagerException>(action).Result;

    /// <summary>A manager with a group 1, approved for the present value of one PCR, and a vTPM in it that has saved a key.</summary>
    private sealed class Site : IDisposable
    {
        public Site(HardwareKind kind)
        {
            Rig = new ManagerRig(kind);
            using VtpmManagerClient administrator = Rig.Administrator();
            Group = Authority.NewGroup(administrator);
            Update(1, administrator.Hardware.PcrRead(Pcr));
            administrator.Manage<VtpmNewRequest, VtpmUuid>(VtpmManagerOrdinal.VtpmNew, new VtpmNewRequest { Group = 1, Uuid = Vtpm });
            using VtpmManagerClient vtpm = Rig.Vtpm(Vtpm);
            vtpm.SaveHashKey(KeyData);
        }

        public ManagerRig Rig { get; }

        public TestAuthority Authority { get; } = new();

        public VtpmGroupNewResponse Group { get; }

        public byte[] KeyData { get; } = RandomNumberGenerator.GetBytes(52);

        /// <summary>Has the group's keys given to its authority.</summary>
        public byte[] Register()
        {
            BigInteger secret = TestAuthority.NewSecret();
            byte[] dhkx1 = TestAuthority.Public(secret);
            using VtpmManagerClient administrator = Rig.Administrator();
            VtpmGroupRegisterResponse response = administrator.Manage<VtpmGroupRegisterRequest, VtpmGroupRegisterResponse>(VtpmManagerOrdinal.GroupRegister, new VtpmGroupRegisterRequest
            {
                Group = 1,
                Dhkx1 = dhkx1,
                Signature = Authority.Key.SignData(dhkx1, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1),
                PcrSelection = TpmPcrSelection.Of(Pcr),
            });
            return TestAuthority.Mask(response.Dhkx2.Span, secret, response.RecoverBlob.Span);
        }

        /// <summary>The machine has started with something else in the PCR.</summary>
        public void ChangeThePlatform()
        {
            using (VtpmManagerClient administrator = Rig.Administrator()) administrator.Hardware.Extend(Pcr, TpmDigest.Of("another kernel"u8));
            Rig.Restart();
        }

        public VtpmMakeIdentityResponse MakeProxy(TpmDigest secret = default)
        {
            var request = new VtpmMakeIdentityRequest { IdentityAuth = new TpmAuthData(secret.ReadOnlySpan), LabelDigest = TpmDigest.Of("recovery"u8), IdKeyParams = TpmKeys.Identity };
            using VtpmManagerClient administrator = Rig.Administrator();
            return administrator.Manage<VtpmMakeIdentityRequest, VtpmMakeIdentityResponse>(VtpmManagerOrdinal.TpmMakeIdentity, request);
        }

        public VtpmGroupRecover1Response Recover1(TpmKey proxy, TpmNonce nonce)
        {
            using VtpmManagerClient administrator = Rig.Administrator();
            return administrator.Manage<VtpmGroupRecover1Request, VtpmGroupRecover1Response>(
                VtpmManagerOrdinal.GroupRecover1,
                new VtpmGroupRecover1Request { Group = 1, ProxyAik = proxy, Nonce = nonce, PcrSelection = PcrList.ToSelection(1u << Pcr) });
        }

        public void Recover2(ReadOnlyMemory<byte> dhkx2, ReadOnlyMemory<byte> blob) =>
            Manage(VtpmManagerOrdinal.GroupRecover2, new VtpmGroupRecover2Request { Group = 1, Dhkx2 = dhkx2, RecoverBlob = blob });

        public void Update(ulong sequence, TpmDigest value)
        {
            using VtpmManagerClient administrator = Rig.Administrator();
            administrator.Manage(VtpmManagerOrdinal.GroupUpdate, [0, 0, 0, 1, .. Authority.Approve(sequence, Pcr, value)]);
        }

        public VtpmGroupStates State(uint group)
        {
            using VtpmManagerClient administrator = Rig.Administrator();
            // Whether the keys could be registered is beside the point here.
            return administrator.Manage<VtpmGroupInfoRequest, VtpmGroupInfoResponse>(VtpmManagerOrdinal.GroupInfo, new VtpmGroupInfoRequest { Group = group }).State
                & ~VtpmGroupStates.Registrable;
        }

        public void Manage<T>(VtpmManagerOrdinal ordinal, T request)
            where T : struct, IWireStructure<T>
        {
            using VtpmManagerClient administrator = Rig.Administrator();
            administrator.Manage(ordinal, WireFormat.ToBytes(request));
        }

        public void Dispose()
        {
            Authority.Dispose();
            Rig.Dispose();
        }
    }
}
