using System.Buffers.Binary;
using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Security;
using Vtpm.Engine.Commands.Eviction;
using Vtpm.Engine.Commands.Ownership;
using Vtpm.Engine.Commands.SessionManagement;
using Vtpm.TestKit;
using Vtpm.TestKit.Daa;
using Vtpm.Wire;
using Xunit;
using static Vtpm.TestKit.Daa.DaaNumbers;

namespace Vtpm.Engine.Tests.Commands.Daa;

/// <summary>DAA sessions as a resource, what DAA keeps outside, and issuers that mean no good.</summary>
public class DaaSessionTests
{
    private static readonly DaaIssuer Issuer = TestTpm.Issuer;

    /// <summary>Moduli that nothing can be computed with, and some that are only strange.</summary>
    public static TheoryData<string, bool> Moduli => new()
    {
        { "", false }, { "00", false }, { "01", false }, { "02", false }, { new string('0', 512), false }, { new string('0', 510) + "01", false },
        { "80" + new string('0', 510), false }, { new string('F', 510) + "FE", false }, { new string('F', 514), false }, { new string('F', 4000), false },
        { "03", true }, { "0F", true }, { new string('F', 512), true }, { new string('0', 510) + "07", true },
    };

    private static DaaRun Join => DaaRun.Join;

    [Fact]
    public void DaaJoin_Action0c_NoSessionLeft_Resources()
    {
        TestTpm tpm = Join.At(4);
        Assert.Equal(TpmResult.Resources, tpm.TryDaa(TpmOrdinal.DaaJoin, 0, 0, [0, 0, 0, 1], [], out _));
        Assert.Equal(TpmResult.Resources, tpm.TryDaa(TpmOrdinal.DaaSign, 0, 0, Issuer.Settings(), [], out _));
        Assert.Equal(TpmResult.Success, Join.Try(tpm, 4));
    }

    [Fact]
    public void DaaSign_Action0b_MoreSessionsByProfile_RunSideBySide()
    {
        var tpm = new TestTpm(TpmProfile.Xen with { DaaSessions = 2 }) { State = Join.At(25).State };
        uint join = tpm.JoinUpTo(13), sign = tpm.SignUpTo(13, DaaRun.Blobs);
        Assert.NotEqual(join, sign);
        Assert.Equal(0u, tpm.GetProperty(TpmCapabilityProperty.DaaSess));
        Assert.Equal(TpmResult.Success, DaaRun.Sign.Try(tpm, 13, sign));
        Assert.Equal(TpmResult.Success, Join.Try(tpm, 13, join));
    }

    [Fact]
    public void GetCapability_DaaSessions_AreCountedAndListed()
    {
        TestTpm tpm = Join.At(4);
        Assert.Equal(1u, tpm.GetProperty(TpmCapabilityProperty.MaxDaaSess));
        Assert.Equal(0u, tpm.GetProperty(TpmCapabilityProperty.DaaSess));
        Assert.Equal([0, 1, .. TestTpm.BigEndian(Join.Handle)], tpm.GetCapability(TpmCapability.Handle, (uint)TpmResourceType.DaaTpm));
        Assert.Equal(1u, Join.At(25).GetProperty(TpmCapabilityProperty.DaaSess));
        Assert.Equal([0, 0], Join.At(25).GetCapability(TpmCapability.Handle, (uint)TpmResourceType.DaaTpm));
    }

    /// <summary>Nothing of one command's sessions is of use to the other.</summary>
    [Fact]
    public void DaaJoinAndDaaSign_Action2_SessionOfTheOther_IsRefusedAndEnds()
    {
        for (int stage = 1; stage < 16; stage++)
        {
            TestTpm tpm = Join.At(stage);
            TpmResult result = DaaRun.Sign.Try(tpm, stage, Join.Handle);
            Assert.True(result is TpmResult.DaaTpmSettings or TpmResult.DaaIssuerSettings, $"{stage}: {result}");
            Assert.Equal(0, tpm.State.DaaSessions.Count);
            tpm = DaaRun.Sign.At(stage);
            result = Join.Try(tpm, stage, DaaRun.Sign.Handle);
            Assert.True(result is TpmResult.DaaTpmSettings or TpmResult.DaaIssuerSettings, $"{stage}: {result}");
            Assert.Equal(0, tpm.State.DaaSessions.Count);
        }
    }

    [Fact]
    public void SaveContextAndLoadContext_DaaSession_GoesOnAtAnyStage()
    {
        for (int stage = 1; stage < 25; stage++)
        {
            TestTpm tpm = Join.At(stage);
            byte[] blob = Save(tpm, Join.Handle);
            Assert.Equal(0, tpm.State.DaaSessions.Count);
            Assert.Equal(Join.Handle, tpm.Send(new LoadContext(), new LoadContextRequest { KeepHandle = true, ContextBlob = blob }).Handle);
            Assert.Equal(TpmResult.Success, Join.Try(tpm, stage));
        }
    }

    [Fact]
    public void SaveContext_Action2_NoDaaSession_InvalidResource()
    {
        var request = new SaveContextRequest { Handle = Join.Handle ^ 1, ResourceType = TpmResourceType.DaaTpm };
        Assert.Equal(TpmResult.InvalidResource, Join.At(4).ResultOf(new SaveContext(), request));
    }

    [Fact]
    public void LoadContext_Action9_DaaSessionTwice_BadContext()
    {
        TestTpm tpm = Join.At(4);
        byte[] blob = Save(tpm, Join.Handle);
        uint other = tpm.JoinUpTo(1);
        Assert.Equal(TpmResult.Resources, tpm.ResultOf(new LoadContext(), new LoadContextRequest { ContextBlob = blob }));
        tpm.Send(new FlushSpecific(), new FlushSpecificRequest { Handle = other, ResourceType = TpmResourceType.DaaTpm });
        tpm.Send(new LoadContext(), new LoadContextRequest { ContextBlob = blob });
        tpm.Send(new FlushSpecific(), new FlushSpecificRequest { Handle = Join.Handle, ResourceType = TpmResourceType.DaaTpm });
        Assert.Equal(TpmResult.BadContext, tpm.ResultOf(new LoadContext(), new LoadContextRequest { ContextBlob = blob }));
    }

    [Fact]
    public void LoadContext_Action5a_DaaSessionOfAnotherPowerSession_BadContext()
    {
        TestTpm tpm = Join.At(4);
        byte[] blob = Save(tpm, Join.Handle);
        tpm.PowerCycle();
        Save(tpm, tpm.JoinUpTo(1));
        Assert.Equal(TpmResult.BadContext, tpm.ResultOf(new LoadContext(), new LoadContextRequest { ContextBlob = blob }));
    }

    [Fact]
    public void LoadContext_Action7_HandleOfADaaSessionTaken_BadHandle()
    {
        var tpm = new TestTpm(TpmProfile.Xen with { DaaSessions = 2 }) { State = Join.At(4).State };
        byte[] blob = Save(tpm, Join.Handle);
        tpm.State = tpm.State with { DaaSessions = Join.At(4).State.DaaSessions };
        Assert.Equal(TpmResult.BadHandle, tpm.ResultOf(new LoadContext(), new LoadContextRequest { KeepHandle = true, ContextBlob = blob }));
        Assert.NotEqual(Join.Handle, tpm.Send(new LoadContext(), new LoadContextRequest { ContextBlob = blob }).Handle);
    }

    [Fact]
    public void FlushSpecific_Actions5And7_DaaSession_IsGone()
    {
        TestTpm tpm = Join.At(4);
        var flush = new FlushSpecificRequest { Handle = Join.Handle, ResourceType = TpmResourceType.DaaTpm };
        tpm.Send(new FlushSpecific(), flush);
        Assert.Equal(TpmResult.BadParameter, tpm.ResultOf(new FlushSpecific(), flush));
        Assert.Equal(TpmResult.BadHandle, Join.Try(tpm, 4));
    }

    [Theory]
    [InlineData(TpmStartupType.Clear)]
    [InlineData(TpmStartupType.State)]
    public void Startup_DaaSession_Ends(TpmStartupType type)
    {
        TestTpm tpm = Join.At(4);
        tpm.Send(new Vtpm.Engine.Commands.Startup.SaveState(), default);
        tpm.PowerCycle(type);
        Assert.Equal(0, tpm.State.DaaSessions.Count);
    }

    /// <summary>Part 3 §6.2 action 4: the secrets of DAA stay; what is open does not.</summary>
    [Fact]
    public void OwnerClear_DaaSession_EndsAndBlobsOutliveTheOwner()
    {
        TestTpm tpm = Join.At(4);
        PermanentData before = tpm.State.Permanent.Data;
        tpm.Send(new OwnerClear(), default, tpm.Oiap(TestTpm.OwnerAuth));
        Assert.Equal(0, tpm.State.DaaSessions.Count);
        PermanentData after = tpm.State.Permanent.Data;
        Assert.Equal((before.DaaSeed, before.DaaProof, before.DaaBlobKey), (after.DaaSeed, after.DaaProof, after.DaaBlobKey));
    }

    [Fact]
    public void SetCapability_DaaProof_EndsTheUseOfEveryBlob()
    {
        TestTpm tpm = DaaRun.Sign.At(0);
        Secret blobKey = tpm.State.Permanent.Data.DaaBlobKey!;
        Assert.Equal(
            TpmResult.Success,
            tpm.SetCapability(TpmSetCapability.PermData, (uint)TpmPermanentDataMember.DaaProof, [], tpm.Oiap(TestTpm.OwnerAuth)));
        Assert.NotEqual(blobKey, tpm.State.Permanent.Data.DaaBlobKey);
        uint handle = tpm.SignUpTo(1, DaaRun.Blobs);
        Assert.Equal(TpmResult.DaaInputData0, DaaRun.Sign.Try(tpm, 1, handle));
    }

    /// <summary>The endorsement key of a state of version 1 has no daaBlobKey: the first blob makes it, and it lasts.</summary>
    [Fact]
    public void DaaJoin_Action27k_StateOfABuildWithoutDaa_GetsItsBlobKey()
    {
        TestTpm tpm = Join.At(22);
        PermanentState permanent = tpm.State.Permanent;
        tpm.State = tpm.State with { Permanent = permanent with { Data = permanent.Data with { DaaBlobKey = null } } };
        byte[] v0 = tpm.Daa(TpmOrdinal.DaaJoin, Join.Handle, 22, Join.Input(22).InputData0, []);
        Assert.NotNull(tpm.State.Permanent.Data.DaaBlobKey);
        Assert.Equal(Open(Join.At(23), TpmResourceType.DaaV0, Join.Outputs[22]), Open(tpm, TpmResourceType.DaaV0, v0));
        TestTpm without = DaaRun.Sign.At(1);
        without.State = without.State with { Permanent = permanent with { Data = permanent.Data with { DaaBlobKey = null } } };
        Assert.Equal(TpmResult.DaaInputData0, DaaRun.Sign.Try(without, 1));
    }

    /// <summary>An issuer can sign anything for its modulus: it is refused before it is computed with, or computed with like any other.</summary>
    [Theory]
    [MemberData(nameof(Moduli))]
    public void DaaJoin_Actions9And18_HostileModuli_AreRefusedOrComputedWith(string hex, bool isUsable)
    {
        byte[] modulus = Convert.FromHexString(hex);
        TestTpm tpm = Join.At(2);
        byte[] settings = Issuer.Settings(n: modulus, gamma: modulus);
        tpm.Daa(TpmOrdinal.DaaJoin, Join.Handle, 2, settings, Issuer.SignSettings(0, settings));
        tpm.Daa(TpmOrdinal.DaaJoin, Join.Handle, 3, [0, 0, 0, 7], []);
        TpmResult result = tpm.TryDaa(TpmOrdinal.DaaJoin, Join.Handle, 4, Bytes(Issuer.R0), modulus, out _);
        Assert.Equal(isUsable ? TpmResult.Success : TpmResult.DaaInputData1, result);

        tpm = Join.At(13);
        tpm.State = WithSettings(tpm, settings);
        result = tpm.TryDaa(TpmOrdinal.DaaJoin, Join.Handle, 13, modulus, [.. new byte[255], 1], out _);
        Assert.Equal(isUsable ? TpmResult.Success : TpmResult.DaaInputData0, result);
    }

    /// <summary>A q of zero is none: all fields must be there. (swtpm's TPM takes it at these stages.)</summary>
    [Fact]
    public void DaaJoinAndDaaSign_Actions0And7d_QOfZero_DaaInputData0()
    {
        byte[] settings = Issuer.Settings(q: new byte[26]);
        byte[] signature = Issuer.SignSettings(0, settings);
        Assert.Equal(TpmResult.DaaInputData0, Join.At(2).TryDaa(TpmOrdinal.DaaJoin, Join.Handle, 2, settings, signature, out _));
        Assert.Equal(TpmResult.DaaInputData0, Join.At(25).TryDaa(TpmOrdinal.DaaSign, 0, 0, settings, [], out _));
    }

    /// <summary>With a q of one, f is zero: a power of zero is one, and nothing else happens.</summary>
    [Fact]
    public void DaaJoin_Action9_QOfOne_IsComputedWith()
    {
        TestTpm tpm = Join.At(2);
        byte[] settings = Issuer.Settings(q: [.. new byte[25], 1]);
        tpm.Daa(TpmOrdinal.DaaJoin, Join.Handle, 2, settings, Issuer.SignSettings(0, settings));
        tpm.Daa(TpmOrdinal.DaaJoin, Join.Handle, 3, [0, 0, 0, 7], []);
        Assert.Equal(TpmResult.Success, Join.Try(tpm, 4));
        Assert.True(DaaView.Of(tpm.State.DaaSessions.Find(Join.Handle)!).Scratch.IsOne);
    }

    /// <summary>Changes one byte of a session, which nothing can from outside.</summary>
    internal static void Tamper(TestTpm tpm, uint handle, int at)
    {
        byte[] bytes = tpm.State.DaaSessions.Find(handle)!.Data.Span.ToArray();
        bytes[at] ^= 1;
        tpm.State = tpm.State with { DaaSessions = tpm.State.DaaSessions.Replace(new DaaSession(handle, new Secret(bytes))) };
    }

    /// <summary>What is in a TPM_DAA_BLOB, decrypted by BouncyCastle.</summary>
    internal static byte[] Open(TestTpm tpm, TpmResourceType type, byte[] blob)
    {
        PermanentData secrets = tpm.State.Permanent.Data;
        Assert.Equal([0x00, 0x2C, .. TestTpm.BigEndian((uint)type), .. new byte[16]], blob[..22]);
        byte[] hmac = HMACSHA1.HashData(secrets.DaaProof!.Span, (byte[])[.. blob[..22], .. new byte[20], .. blob[42..]]);
        Assert.Equal(hmac, blob[22..42]);
        Assert.Equal(16u, BinaryPrimitives.ReadUInt32BigEndian(blob.AsSpan(42)));
        var cipher = CipherUtilities.GetCipher("AES/CTR/NoPadding");
        cipher.Init(false, new ParametersWithIV(new KeyParameter(secrets.DaaBlobKey!.Span.ToArray()), blob[46..62]));
        byte[] sensitive = cipher.DoFinal(blob[66..]);
        Assert.Equal([0x00, 0x31, .. TestTpm.BigEndian((uint)sensitive.Length - 6)], sensitive[..6]);
        return sensitive[6..];
    }

    /// <summary>The state of a session as it would be had it begun with other settings.</summary>
    private static TpmState WithSettings(TestTpm tpm, byte[] settings)
    {
        byte[] bytes = tpm.State.DaaSessions.Find(Join.Handle)!.Data.Span.ToArray();
        settings.CopyTo(bytes, 0);
        SHA1.HashData(settings).CopyTo(bytes, DaaView.TpmSpecificAt + 2);
        byte[] context = SHA1.HashData((byte[])[.. bytes[DaaView.TpmSpecificAt..DaaView.SessionAt], .. bytes[DaaView.JoinSessionAt..]]);
        context.CopyTo(bytes, DaaView.SessionAt + 2);
        return tpm.State with { DaaSessions = tpm.State.DaaSessions.Replace(new DaaSession(Join.Handle, new Secret(bytes))) };
    }

    private static byte[] Save(TestTpm tpm, uint handle) =>
        tpm.Send(new SaveContext(), new SaveContextRequest { Handle = handle, ResourceType = TpmResourceType.DaaTpm }).ContextBlob.ToArray();
}
