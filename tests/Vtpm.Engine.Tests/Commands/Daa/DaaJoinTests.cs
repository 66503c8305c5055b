using System.Numerics;
using System.Security.Cryptography;
using Vtpm.Engine.Commands.Daa;
using Vtpm.TestKit;
using Vtpm.TestKit.Daa;
using Vtpm.Wire;
using Xunit;
using static Vtpm.TestKit.Daa.DaaNumbers;

namespace Vtpm.Engine.Tests.Commands.Daa;

public class DaaJoinTests
{
    private static readonly DaaIssuer Issuer = TestTpm.Issuer;

    public static TheoryData<int> StagesFrom1 => [.. Enumerable.Range(1, 24)];

    public static TheoryData<int> StagesFrom3 => [.. Enumerable.Range(3, 22)];

    private static DaaRun Join => DaaRun.Join;

    [Fact]
    public void DaaJoin_Actions0To29_WholeJoin_TheIssuerIsConvincedAndTheVerifierToo()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        var host = new DaaHost(Issuer, tpm.Daa);
        byte[] nonce = SHA1.HashData("nonce"u8), message = SHA1.HashData("message"u8);
        DaaCredential credential = host.Join(tpm.EndorsementKey, count: 7);
        Assert.True(DaaVerifier.Verify(Issuer, host.Sign(credential, nonce, 1, message), nonce, 1, message));
        Assert.Equal(0, tpm.State.DaaSessions.Count);
    }

    [Fact]
    public void DaaJoin_Action1_AnotherSecret_AuthFail()
    {
        TestTpm tpm = Join.At(4);
        (byte[] inputData0, byte[] inputData1) = Join.Input(4);
        var request = new DaaRequest { Handle = Join.Handle, Stage = 4, InputData0 = inputData0, InputData1 = inputData1 };
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new DaaJoin(), request, tpm.Oiap(TestTpm.KeyAuth)));
        Assert.Equal(0, tpm.State.DaaSessions.Count);
    }

    [Fact]
    public void DaaJoin_Action1_DelegationOfTheOwner_MayJoin()
    {
        TestTpm tpm = Join.At(0);
        tpm.AddFamily(1);
        byte[] may = WireFormat.ToBytes(tpm.OwnerBlob(TestTpm.Delegation(TpmDelegateOwnerPermission.DaaJoin)));
        byte[] mayNot = WireFormat.ToBytes(tpm.OwnerBlob(TestTpm.Delegation(TpmDelegateOwnerPermission.DaaSign)));
        var request = new DaaRequest { InputData0 = TestTpm.BigEndian(1) };
        Assert.Equal(TpmResult.DisabledCmd, tpm.ResultOf(new DaaJoin(), request, tpm.Dsap(TpmEntityType.DelegateOwnerBlob, mayNot)));
        Assert.Equal(TpmResult.Success, tpm.ResultOf(new DaaJoin(), request, tpm.Dsap(TpmEntityType.DelegateOwnerBlob, may)));
    }

    /// <summary>Action 2, with the errors that come before a stage: what the stages refuse is in the other tests.</summary>
    [Fact]
    public void DaaJoin_Action2_LockOut_EndsTheSession()
    {
        TestTpm tpm = Join.At(4);
        while (tpm.TryDaa(TpmOrdinal.DaaJoin, Join.Handle, 4, [], [], out _) != TpmResult.DefendLockRunning)
        {
            tpm.State = Join.At(4).State with { Permanent = tpm.State.Permanent, LockoutStart = tpm.State.LockoutStart, Sessions = tpm.State.Sessions };
            tpm.ResultOf(new DaaJoin(), new DaaRequest { Handle = 1, Stage = 1 }, tpm.Oiap(TestTpm.KeyAuth));
        }

        Assert.Equal(0, tpm.State.DaaSessions.Count);
    }

    [Fact]
    public void DaaJoin_Action2_ErrorOfAnotherHandle_LeavesTheSession()
    {
        TestTpm tpm = Join.At(4);
        Assert.Equal(TpmResult.BadHandle, Join.Try(tpm, 4, handle: Join.Handle ^ 1));
        Assert.Equal(TpmResult.Success, Join.Try(tpm, 4));
    }

    /// <summary>A command that cannot be read is none: nobody knows what it was for.</summary>
    [Fact]
    public void DaaJoin_Action2_MalformedCommand_LeavesTheSession()
    {
        TestTpm tpm = Join.At(4);
        byte[] request = TestTpm.Request(new DaaJoin(), new DaaRequest { Handle = Join.Handle, Stage = 4 }, tpm.Oiap(TestTpm.OwnerAuth));
        request[18] = 9;
        Assert.Equal(TpmResult.BadParamSize, TestTpm.ResultOf(tpm.Execute(request)));
        Assert.Equal(TpmResult.Success, Join.Try(tpm, 4));
    }

    [Theory]
    [MemberData(nameof(StagesFrom1))]
    public void DaaJoin_Actions6To29_AnotherStage_DaaStageAndTheSessionEnds(int stage)
    {
        foreach (int other in (int[])[stage - 1, stage + 1])
        {
            if (other is 0 or 25) continue;
            TestTpm tpm = Join.At(stage);
            Assert.Equal(TpmResult.DaaStage, Join.Try(tpm, other));
            Assert.Equal(TpmResult.BadHandle, Join.Try(tpm, stage));
        }
    }

    [Theory]
    [MemberData(nameof(StagesFrom3))]
    public void DaaJoin_Actions8To29_OtherIssuerSettings_DaaIssuerSettings(int stage)
    {
        TestTpm tpm = Join.At(stage);
        DaaSessionTests.Tamper(tpm, Join.Handle, 10);
        Assert.Equal(TpmResult.DaaIssuerSettings, Join.Try(tpm, stage));
        Assert.Equal(0, tpm.State.DaaSessions.Count);
    }

    [Theory]
    [MemberData(nameof(StagesFrom1))]
    public void DaaJoin_Actions6To29_OtherTpmSpecificOrJoinSession_DaaTpmSettings(int stage)
    {
        foreach (int at in (int[])[DaaView.TpmSpecificAt + 70, DaaView.TpmSpecificAt + 85, DaaView.JoinSessionAt + 5, DaaView.JoinSessionAt + 270])
        {
            TestTpm tpm = Join.At(stage);
            DaaSessionTests.Tamper(tpm, Join.Handle, at);
            Assert.Equal(TpmResult.DaaTpmSettings, Join.Try(tpm, stage));
            Assert.Equal(0, tpm.State.DaaSessions.Count);
        }
    }

    /// <summary>The same table of inputs is run on swtpm's TPM (Vtpm.Client.Tests).</summary>
    [Fact]
    public void DaaJoin_Actions0To28_InputThatDoesNotFit_IsRefusedAndTheSessionEnds()
    {
        foreach (DaaFault fault in DaaFault.OfJoin(Join.At(0).EndorsementKey))
        {
            TestTpm tpm = Join.At(fault.Stage);
            TpmResult result = tpm.TryDaa(TpmOrdinal.DaaJoin, Join.Handle, fault.Stage, fault.InputData0, fault.InputData1, out _);
            Assert.True(result == fault.Result, $"stage {fault.Stage}, {fault.Name}: {result}");
            Assert.Equal(0, tpm.State.DaaSessions.Count);
        }
    }

    [Fact]
    public void DaaJoin_Action0_Start_KnowsTheCountAndNothingElse()
    {
        DaaView view = Join.After(0);
        Assert.Equal((1u, 1, BigInteger.Zero), (view.TpmSpecific.DaaCount, view.Session.DaaStage, view.Scratch));
        Assert.Equal(new byte[26], view.Issuer.DaaGenericQ.ToArray());
        Assert.Equal(4, Join.Outputs[0].Length);
    }

    [Fact]
    public void DaaJoin_Action6d_FirstKey_GivesTheRekey()
    {
        DaaView view = Join.After(1);
        byte[] n0 = Issuer.KeyModulus(0), digest = SHA1.HashData(n0);
        Assert.Equal(n0, view.Session.DaaScratch.ToArray());
        Assert.Equal(digest, view.JoinSession.DaaDigestN0.ReadOnlySpan);
        Assert.Equal(Witness.Sha1(Join.At(0).State.Permanent.Data.DaaSeed!.Span.ToArray(), digest), view.TpmSpecific.DaaRekey.ReadOnlySpan);
        Assert.Equal((0u, 2), (view.TpmSpecific.DaaCount, view.Session.DaaStage));
    }

    [Fact]
    public void DaaJoin_Action6e_NextKeys_AreSignedByTheOneBefore()
    {
        TestTpm tpm = Join.At(0);
        uint handle = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(tpm.Daa(TpmOrdinal.DaaJoin, 0, 0, TestTpm.BigEndian(3), []));
        byte[] n0 = Issuer.KeyModulus(0), n1 = Issuer.KeyModulus(1), signature = Issuer.SignKey(0, 1);
        tpm.Daa(TpmOrdinal.DaaJoin, handle, 1, n0, []);
        TpmState before = tpm.State;
        foreach ((byte[] wrong, TpmResult result) in (ReadOnlySpan<(byte[], TpmResult)>)
            [
                (signature[1..], TpmResult.DaaInputData1), ([], TpmResult.DaaInputData1), (new byte[256], TpmResult.DaaIssuerValidity),
                (Issuer.SignKey(1, 1), TpmResult.DaaIssuerValidity), (Issuer.SignKey(0, 0), TpmResult.DaaIssuerValidity),
            ])
        {
            tpm.State = before;
            Assert.Equal(result, tpm.TryDaa(TpmOrdinal.DaaJoin, handle, 1, n1, wrong, out _));
        }

        tpm.State = before;
        TpmDigest rekey = DaaView.Of(tpm.State.DaaSessions.Find(handle)!).TpmSpecific.DaaRekey;
        tpm.Daa(TpmOrdinal.DaaJoin, handle, 1, n1, signature);
        tpm.Daa(TpmOrdinal.DaaJoin, handle, 1, n1, Issuer.SignKey(1, 1));
        DaaView view = DaaView.Of(tpm.State.DaaSessions.Find(handle)!);
        Assert.Equal((rekey, 2), (view.TpmSpecific.DaaRekey, view.Session.DaaStage));
        Assert.Equal(TpmResult.DaaIssuerValidity, tpm.TryDaa(TpmOrdinal.DaaJoin, handle, 2, Issuer.Settings(), Issuer.SignSettings(0, Issuer.Settings()), out _));
    }

    [Fact]
    public void DaaJoin_Action7_Issuer_IsRemembered()
    {
        DaaView view = Join.After(2);
        Assert.Equal(Issuer.Settings(), WireFormat.ToBytes(view.Issuer));
        Assert.Equal(SHA1.HashData(Issuer.Settings()), view.TpmSpecific.DaaDigestIssuer.ReadOnlySpan);
        Assert.Equal(BigInteger.Zero, view.Scratch);
    }

    [Fact]
    public void DaaJoin_Action8_CountAndSecrets_AreThereAndDifferEachTime()
    {
        DaaView view = Join.After(3);
        Assert.Equal(7u, view.TpmSpecific.DaaCount);
        TestTpm tpm = Join.At(3);
        tpm.Random.Fill(new byte[1]);
        Join.Try(tpm, 3);
        DaaView again = DaaView.Of(tpm.State.DaaSessions.Find(Join.Handle)!);
        Assert.True(view.U0.GetBitLength() > 960 && view.U1.GetBitLength() > 1040);
        Assert.True(view.U0 != again.U0 && view.U1 != again.U1);
    }

    [Fact]
    public void DaaJoin_Actions3And9To13_UAndU2_AreOfTheSecrets()
    {
        DaaView secrets = Join.Before(4);
        BigInteger n = Issuer.N, p1 = Power(Issuer.R0, secrets.F0, n), p2 = p1 * Power(Issuer.R1, secrets.F1, n) % n;
        BigInteger p3 = p2 * Power(Issuer.S, secrets.U0, n) % n, u = p3 * Power(Issuer.S1, secrets.U1, n) % n;
        Assert.Equal([p1, p2, p3], [Join.After(4).Scratch, Join.After(5).Scratch, Join.After(6).Scratch]);
        Assert.Equal(Bytes(u), Join.Outputs[7]);
        byte[] digest = Witness.Sha1(Bytes(u), [0, 0, 0, 7], SHA1.HashData(Issuer.KeyModulus(0)));
        Assert.Equal(digest, Join.After(7).Session.DaaDigest.ReadOnlySpan);
        Assert.Equal(BigInteger.Zero, Join.After(7).Scratch);
        Assert.Equal(Witness.Sha1(digest, new byte[20]), Join.Outputs[8]);
        Assert.Equal(BigInteger.Zero, Join.After(8).C);
    }

    [Fact]
    public void DaaJoin_Actions4And14To17_P4_IsOfTheSeed()
    {
        DaaView view = Join.After(9);
        Assert.NotEqual(default, view.Session.DaaContextSeed);
        BigInteger n = Issuer.N, p1 = Power(Issuer.R0, view.R("r0", 43), n), p2 = p1 * Power(Issuer.R1, view.R("r1", 43), n) % n;
        BigInteger p3 = p2 * Power(Issuer.S, view.R("r2", 128), n) % n, p4 = p3 * Power(Issuer.S1, view.R("r3", 168), n) % n;
        Assert.Equal([p1, p2, p3], [view.Scratch, Join.After(10).Scratch, Join.After(11).Scratch]);
        Assert.Equal(Bytes(p4), Join.Outputs[12]);
        Assert.Equal(BigInteger.Zero, Join.After(12).Scratch);
    }

    [Fact]
    public void DaaJoin_Actions3And4And18To20_EAndE1_ArePowersOfW()
    {
        DaaView view = Join.Before(13);
        BigInteger r = (view.R("r0", 43) + (view.R("r1", 43) << 104)) % Issuer.Rho;
        Assert.Equal([Issuer.Zeta, Issuer.Zeta, 0], [Join.After(13).Scratch, Join.After(14).Scratch, Join.After(15).Scratch]);
        Assert.Equal(Bytes(Power(Issuer.Zeta, view.F, Issuer.Gamma)), Join.Outputs[14]);
        Assert.Equal(Bytes(Power(Issuer.Zeta, r, Issuer.Gamma)), Join.Outputs[15]);
    }

    [Fact]
    public void DaaJoin_Action21_Challenge_HasANonceOfTheTpm()
    {
        Assert.Equal(20, Join.Outputs[16].Length);
        Assert.Equal(Witness.Sha1(new byte[20], Join.Outputs[16]), Join.After(16).Session.DaaDigest.ReadOnlySpan);
    }

    /// <summary>The lengths are those of Part 1 §33.3, and never tell how long a number is.</summary>
    [Fact]
    public void DaaJoin_Actions4And22To26_Responses_AreOfTheChallenge()
    {
        DaaView view = Join.Before(17);
        BigInteger sum2 = view.R("r2", 128) + view.C * view.U0;
        Assert.Equal(Bytes(view.R("r0", 43) + view.C * view.F0, 44), Join.Outputs[17]);
        Assert.Equal(Bytes(view.R("r1", 43) + view.C * view.F1, 44), Join.Outputs[18]);
        Assert.Equal(Bytes(sum2 % (BigInteger.One << 1024), 128), Join.Outputs[19]);
        Assert.Equal(Bytes(view.C, 20), Join.Outputs[20]);
        Assert.Equal(sum2 >> 1024, Join.After(20).Scratch);
        Assert.Equal(Bytes(view.R("r3", 168) + view.C * view.U1 + (sum2 >> 1024), 169), Join.Outputs[21]);
        Assert.Equal(BigInteger.Zero, Join.After(21).Scratch);
    }

    [Fact]
    public void DaaJoin_Actions27To29_Blobs_HoldVAndTheSettings()
    {
        DaaView view = Join.Before(22);
        BigInteger sum = view.U0 + Number(Join.Input(22).InputData0), v1 = view.U1 + Number(Join.Input(23).InputData0) + (sum >> 1024);
        byte[] v0 = Bytes(sum % (BigInteger.One << 1024), 128);
        Assert.Equal(sum >> 1024, Join.After(22).Scratch);
        Assert.Equal(SHA1.HashData(v0), Join.After(22).TpmSpecific.DaaDigestV0.ReadOnlySpan);
        Assert.Equal(SHA1.HashData(Bytes(v1, 192)), Join.After(23).TpmSpecific.DaaDigestV1.ReadOnlySpan);
        Assert.Equal(BigInteger.Zero, Join.After(23).Scratch);
        Assert.Equal(v0, DaaSessionTests.Open(Join.At(24), TpmResourceType.DaaV0, Join.Outputs[22]));
        Assert.Equal(Bytes(v1, 192), DaaSessionTests.Open(Join.At(24), TpmResourceType.DaaV1, Join.Outputs[23]));
        Assert.Equal(WireFormat.ToBytes(Join.Before(24).TpmSpecific), DaaSessionTests.Open(Join.At(24), TpmResourceType.DaaTpm, Join.Outputs[24]));
        Assert.Equal(0, Join.At(25).State.DaaSessions.Count);
    }

    /// <summary>An issuer's u3 has 1512 bits; one without a free bit would make v1 longer than DAA_SIZE_v1.</summary>
    [Fact]
    public void DaaJoin_Action28f_V1TooLong_DaaInputData0()
    {
        byte[] u3 = [.. Enumerable.Repeat((byte)0xFF, 192)];
        Assert.Equal(TpmResult.DaaInputData0, Join.At(23).TryDaa(TpmOrdinal.DaaJoin, Join.Handle, 23, u3, [], out _));
    }

    [Theory]
    [InlineData(25)]
    [InlineData(255)]
    public void DaaJoin_Action30_StageBeyondTheLast_DaaStage(int stage)
    {
        TestTpm tpm = Join.At(24);
        Assert.Equal(TpmResult.DaaStage, tpm.TryDaa(TpmOrdinal.DaaJoin, Join.Handle, stage, [], [], out _));
        Assert.Equal(0, tpm.State.DaaSessions.Count);
    }
}
