using System.Numerics;
using System.Security.Cryptography;
using Vtpm.Engine.Commands.Daa;
using Vtpm.TestKit;
using Vtpm.TestKit.Daa;
using Vtpm.Wire;
using Xunit;
using static Vtpm.TestKit.Daa.DaaNumbers;

namespace Vtpm.Engine.Tests.Commands.Daa;

public class DaaSignTests
{
    private static readonly DaaIssuer Issuer = TestTpm.Issuer;

    public static TheoryData<int> StagesFrom1 => [.. Enumerable.Range(1, 15)];

    public static TheoryData<int> StagesFrom2 => [.. Enumerable.Range(2, 14)];

    private static DaaRun Sign => DaaRun.Sign;

    [Fact]
    public void DaaSign_Action1_AnotherSecret_AuthFail()
    {
        TestTpm tpm = Sign.At(2);
        (byte[] inputData0, byte[] inputData1) = Sign.Input(2);
        var request = new DaaRequest { Handle = Sign.Handle, Stage = 2, InputData0 = inputData0, InputData1 = inputData1 };
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new DaaSign(), request, tpm.Oiap(TestTpm.KeyAuth)));
        Assert.Equal(0, tpm.State.DaaSessions.Count);
    }

    [Fact]
    public void DaaSign_Action1_DelegationOfTheOwner_MaySign()
    {
        TestTpm tpm = Sign.At(0);
        tpm.AddFamily(1);
        byte[] may = WireFormat.ToBytes(tpm.OwnerBlob(TestTpm.Delegation(TpmDelegateOwnerPermission.DaaSign)));
        var request = new DaaRequest { InputData0 = Issuer.Settings() };
        Assert.Equal(TpmResult.Success, tpm.ResultOf(new DaaSign(), request, tpm.Dsap(TpmEntityType.DelegateOwnerBlob, may)));
    }

    [Theory]
    [MemberData(nameof(StagesFrom1))]
    public void DaaSign_Actions2And5To19_AnotherStage_DaaStageAndTheSessionEnds(int stage)
    {
        foreach (int other in (int[])[stage - 1, stage + 1])
        {
            if (other is 0 or 16) continue;
            TestTpm tpm = Sign.At(stage);
            Assert.Equal(TpmResult.DaaStage, Sign.Try(tpm, other));
            Assert.Equal(TpmResult.BadHandle, Sign.Try(tpm, stage));
        }
    }

    [Theory]
    [MemberData(nameof(StagesFrom2))]
    public void DaaSign_Actions2And6To19_OtherSettings_DaaIssuerSettingsOrDaaTpmSettings(int stage)
    {
        foreach ((int at, TpmResult result) in (ReadOnlySpan<(int, TpmResult)>)
            [
                (10, TpmResult.DaaIssuerSettings), (140, TpmResult.DaaIssuerSettings),
                (DaaView.TpmSpecificAt + 30, TpmResult.DaaTpmSettings), (DaaView.TpmSpecificAt + 85, TpmResult.DaaTpmSettings),
            ])
        {
            TestTpm tpm = Sign.At(stage);
            DaaSessionTests.Tamper(tpm, Sign.Handle, at);
            Assert.Equal(result, Sign.Try(tpm, stage));
            Assert.Equal(0, tpm.State.DaaSessions.Count);
        }
    }

    /// <summary>The same table of inputs is run on swtpm's TPM (Vtpm.Client.Tests).</summary>
    [Fact]
    public void DaaSign_Actions0To19_InputThatDoesNotFit_IsRefusedAndTheSessionEnds()
    {
        foreach (DaaFault fault in DaaFault.OfSign(DaaRun.Blobs))
        {
            TestTpm tpm = Sign.At(fault.Stage);
            TpmResult result = tpm.TryDaa(TpmOrdinal.DaaSign, Sign.Handle, fault.Stage, fault.InputData0, fault.InputData1, out _);
            Assert.True(result == fault.Result, $"stage {fault.Stage}, {fault.Name}: {result}");
            Assert.Equal(0, tpm.State.DaaSessions.Count);
        }
    }

    [Fact]
    public void DaaSign_Actions0And5_Start_TakesIssuerAndBlob()
    {
        Assert.Equal(4, Sign.Outputs[0].Length);
        Assert.Equal(Issuer.Settings(), WireFormat.ToBytes(Sign.After(0).Issuer));
        Assert.Equal(WireFormat.ToBytes(DaaRun.Join.Before(24).TpmSpecific), WireFormat.ToBytes(Sign.After(1).TpmSpecific));
    }

    [Fact]
    public void DaaSign_Action5c_BlobOfAnotherIssuer_DaaIssuerSettings()
    {
        TestTpm tpm = Sign.At(0);
        byte[] handle = tpm.Daa(TpmOrdinal.DaaSign, 0, 0, Issuer.Settings(n: [15]), []);
        uint session = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(handle);
        Assert.Equal(TpmResult.DaaIssuerSettings, Sign.Try(tpm, 1, session));
        Assert.Equal(0, tpm.State.DaaSessions.Count);
    }

    [Fact]
    public void DaaSign_Actions4And6To9_T_IsOfTheSeed()
    {
        DaaView view = Sign.After(2);
        BigInteger n = Issuer.N, p1 = Power(Issuer.R0, view.R("r0", 43), n), p2 = p1 * Power(Issuer.R1, view.R("r1", 43), n) % n;
        BigInteger p3 = p2 * Power(Issuer.S, view.R("r2", 128), n) % n, t = p3 * Power(Issuer.S1, view.R("r4", 219), n) % n;
        Assert.Equal([p1, p2, p3, 0], [view.Scratch, Sign.After(3).Scratch, Sign.After(4).Scratch, Sign.After(5).Scratch]);
        Assert.Equal(Bytes(t), Sign.Outputs[5]);
    }

    [Fact]
    public void DaaSign_Actions3And10To12_EAndE1_ArePowersOfW()
    {
        DaaView view = Sign.Before(6);
        BigInteger r = (view.R("r0", 43) + (view.R("r1", 43) << 104)) % Issuer.Rho;
        Assert.Equal([Issuer.Zeta, Issuer.Zeta, 0], [Sign.After(6).Scratch, Sign.After(7).Scratch, Sign.After(8).Scratch]);
        Assert.Equal(Bytes(Power(Issuer.Zeta, view.F, Issuer.Gamma)), Sign.Outputs[7]);
        Assert.Equal(DaaRun.Join.Outputs[14], Sign.Outputs[7]);
        Assert.Equal(Bytes(Power(Issuer.Zeta, r, Issuer.Gamma)), Sign.Outputs[8]);
    }

    [Fact]
    public void DaaSign_Actions3And13To14_Challenge_IsOfNonceAndMessage()
    {
        byte[] c2 = Witness.Sha1(new byte[20], Sign.Outputs[9]);
        Assert.Equal(c2, Sign.After(9).Session.DaaDigest.ReadOnlySpan);
        Assert.Equal(Witness.Sha1(c2, [1], new byte[20]), Sign.Outputs[10]);
        Assert.Equal(Sign.Outputs[10], Sign.After(10).Session.DaaDigest.ReadOnlySpan);
    }

    [Fact]
    public void DaaSign_Actions14hTo14i_IdentityKey_ItsModulusIsSigned()
    {
        TestTpm tpm = Sign.At(10);
        TpmKey identity = tpm.MakeIdentity().IdKey;
        uint handle = tpm.LoadKey2(identity), signing = tpm.LoadWrapped(TpmKeyUsage.Signing);
        byte[] c2 = Sign.Before(10).Session.DaaDigest.ReadOnlySpan.ToArray();
        TpmState before = tpm.State;
        byte[] c = tpm.Daa(TpmOrdinal.DaaSign, Sign.Handle, 10, [0], TestTpm.BigEndian(handle));
        Assert.Equal(Witness.Sha1(c2, [0], identity.PubKey.Key.ToArray()), c);
        tpm.State = before;
        Assert.Equal(TpmResult.DaaInputData1, tpm.TryDaa(TpmOrdinal.DaaSign, Sign.Handle, 10, [0], TestTpm.BigEndian(signing), out _));
    }

    /// <summary>A key that may not be read now is not signed, as on swtpm's TPM.</summary>
    [Fact]
    public void DaaSign_Action14h_IdentityKeyOfOtherPcrs_DaaInputData1()
    {
        var pcrs = TpmPcrSelection.Of(9);
        byte[] pcrInfo = WireFormat.ToBytes(new TpmPcrInfo { PcrSelection = pcrs, DigestAtRelease = TpmDigest.AllOnes });
        foreach ((TpmKeyFlags flags, TpmResult result) in (ReadOnlySpan<(TpmKeyFlags, TpmResult)>)
            [
                (TpmKeyFlags.None, TpmResult.DaaInputData1), (TpmKeyFlags.PcrIgnoredOnRead, TpmResult.Success),
            ])
        {
            TestTpm tpm = Sign.At(10);
            uint handle = tpm.LoadWrapped(TpmKeyUsage.Identity, flags: flags, pcrInfo: pcrInfo);
            Assert.Equal(result, tpm.TryDaa(TpmOrdinal.DaaSign, Sign.Handle, 10, [0], TestTpm.BigEndian(handle), out _));
        }
    }

    [Fact]
    public void DaaSign_Actions3To4And15To19_Responses_AreOfTheChallenge()
    {
        DaaView view = Sign.Before(11);
        BigInteger v0 = Number(DaaSessionTests.Open(Sign.At(11), TpmResourceType.DaaV0, DaaRun.Blobs.V0));
        BigInteger v1 = Number(DaaSessionTests.Open(Sign.At(11), TpmResourceType.DaaV1, DaaRun.Blobs.V1));
        BigInteger sum2 = view.R("r2", 128) + view.C * v0;
        Assert.Equal(Bytes(view.R("r0", 43) + view.C * view.F0, 44), Sign.Outputs[11]);
        Assert.Equal(Bytes(view.R("r1", 43) + view.C * view.F1, 44), Sign.Outputs[12]);
        Assert.Equal(Bytes(sum2 % (BigInteger.One << 1024), 128), Sign.Outputs[13]);
        Assert.Empty(Sign.Outputs[14]);
        Assert.Equal(sum2 >> 1024, Sign.After(14).Scratch);
        Assert.Equal(Bytes(view.R("r4", 219) + view.C * v1 + (sum2 >> 1024), 220), Sign.Outputs[15]);
        Assert.Equal(0, Sign.At(16).State.DaaSessions.Count);
    }

    [Theory]
    [InlineData(16)]
    [InlineData(255)]
    public void DaaSign_Action20_StageBeyondTheLast_DaaStage(int stage)
    {
        TestTpm tpm = Sign.At(15);
        Assert.Equal(TpmResult.DaaStage, tpm.TryDaa(TpmOrdinal.DaaSign, Sign.Handle, stage, [], [], out _));
        Assert.Equal(0, tpm.State.DaaSessions.Count);
    }

    /// <summary>Part 3 §26.2, description: v0 and v1 are of the same certificate, or the session ends.</summary>
    [Fact]
    public void DaaSign_Actions17eTo19e_BlobsOfAnotherJoin_DaaInputData0()
    {
        TestTpm other = DaaRun.Join.At(0);
        other.Random.Fill(new byte[1]);
        DaaBlobs blobs = other.Join();
        Assert.Equal(TpmResult.DaaInputData0, Sign.At(13).TryDaa(TpmOrdinal.DaaSign, Sign.Handle, 13, blobs.V0, [], out _));
        Assert.Equal(TpmResult.DaaInputData0, Sign.At(14).TryDaa(TpmOrdinal.DaaSign, Sign.Handle, 14, blobs.V0, [], out _));
        Assert.Equal(TpmResult.DaaInputData0, Sign.At(15).TryDaa(TpmOrdinal.DaaSign, Sign.Handle, 15, blobs.V1, [], out _));
    }
}
