using Vtpm.Crypto;
using Vtpm.Engine.Commands.Integrity;
using Vtpm.Engine.Commands.Testing;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Testing;

public class SelfTestTests
{
    [Fact]
    public void SelfTestFull_Action1a_SoundPlatform_Success()
    {
        var tpm = new TestTpm();
        tpm.Send(new SelfTestFull(), default);
        Assert.Equal("00000000", ResultOfTest(tpm));
    }

    [Fact]
    public void SelfTestFull_Actions1bAnd2_GeneratorThatRepeatsItself_FailureMode() => AssertFails("00c10000000a00000050");

    /// <summary>All tests are run, each time, before the answer: in FIPS mode they must, and otherwise they may.</summary>
    [Fact]
    public void ContinueSelfTest_Actions1To3b_GeneratorThatRepeatsItself_FailureMode() => AssertFails("00c10000000a00000053");

    [Fact]
    public void ContinueSelfTest_Actions2And3b_SoundPlatform_Success()
    {
        var tpm = new TestTpm();
        tpm.Send(new ContinueSelfTest(), default);
        Assert.Equal("00000000", ResultOfTest(tpm));
    }

    /// <summary>A function that no test has been run of since the start: TPM_SelfTestFull does not wait for TPM_ContinueSelfTest.</summary>
    [Fact]
    public void SelfTestFull_Action3a_WithoutContinueSelfTest_TestsAll()
    {
        var tpm = new BrokenTpm(rsa: new FaultyRsa(RsaFault.Public));
        Assert.Equal(FailureCause.None, tpm.State.FailureCause);
        Assert.Equal(TpmResult.FailedSelfTest, tpm.Execute(TestTpm.Request(new SelfTestFull(), default), out _));
        Assert.Equal(FailureCause.Rsa, tpm.State.FailureCause);
    }

    /// <summary>The block tells the cause, which is the same for every TPM with this fault: it identifies none.</summary>
    [Fact]
    public void GetTestResult_Actions1And2_FailedTest_TellsTheCauseAlone()
    {
        foreach (int seed in (int[])[1, 2])
        {
            var tpm = new BrokenTpm(rsa: new FaultyRsa(RsaFault.Import), random: new SeededRandom(seed));
            tpm.Execute(TestTpm.Request(new SelfTestFull(), default), out _);
            Assert.Equal(TpmResult.Success, tpm.Execute(TestTpm.Request(new GetTestResult(), default), out byte[] response));
            Assert.Equal("00C4000000120000000000000004" + "00000003", Convert.ToHexString(response));
        }
    }

    [Theory]
    [InlineData(RsaFault.Import)]
    [InlineData(RsaFault.Public)]
    [InlineData(RsaFault.Encrypt)]
    [InlineData(RsaFault.DecryptsAnything)]
    public void SelfTestFull_Action2_WrongRsa_FailureMode(RsaFault fault)
    {
        var tpm = new BrokenTpm(rsa: new FaultyRsa(fault));
        Assert.Equal(TpmResult.FailedSelfTest, tpm.Execute(TestTpm.Request(new SelfTestFull(), default), out _));
        Assert.Equal(FailureCause.Rsa, tpm.State.FailureCause);
    }

    private static string ResultOfTest(TestTpm tpm) => Convert.ToHexString(tpm.Send(new GetTestResult(), default).OutData.Span);

    private static void AssertFails(string test)
    {
        var tpm = new BrokenTpm(random: new StuckRandom());
        Assert.Equal(TpmResult.FailedSelfTest, tpm.Execute(Convert.FromHexString(test), out _));
        Assert.Equal(TpmResult.FailedSelfTest, tpm.Execute(TestTpm.Request(new PcrRead(), default), out _));
        Assert.Equal(TpmResult.Success, tpm.Execute(TestTpm.Request(new GetTestResult(), default), out byte[] response));
        Assert.Equal("00C4000000120000000000000004" + "00000004", Convert.ToHexString(response));
    }

    public enum RsaFault
    {
        Import,
        Public,
        Encrypt,
        DecryptsAnything,
    }

    /// <summary>A TPM on a platform with a fault.</summary>
    private sealed class BrokenTpm
    {
        private readonly Tpm12 _engine;

        public BrokenTpm(ITpmRandom? random = null, ITpmRsa? rsa = null)
        {
            _engine = new Tpm12(new TpmPlatform(random ?? new SeededRandom(), new ManualTime(), rsa ?? new OpenSslRsa(), new OpenSslArithmetic(), TpmProfile.Xen));
            State = _engine.PowerOn(_engine.Manufacture());
            Assert.Equal(TpmResult.Success, Execute(Convert.FromHexString("00c10000000c000000990001"), out _));
        }

        public TpmState State { get; private set; }

        public TpmResult Execute(byte[] request, out byte[] response)
        {
            byte[] buffer = new byte[Tpm12.MaxResponseSize];
            State = _engine.Execute(State, request, 0, buffer, out int length);
            response = buffer[..length];
            return TestTpm.ResultOf(response);
        }
    }

    private sealed class StuckRandom : ITpmRandom
    {
        public void Fill(Span<byte> destination)
        {
            for (int i = 0; i < destination.Length; i++) destination[i] = (byte)i;
        }

        public void Stir(ReadOnlySpan<byte> entropy)
        {
            // Nothing moves it.
        }
    }

    private sealed class FaultyRsa(RsaFault fault) : ITpmRsa
    {
        private readonly OpenSslRsa _rsa = new();

        public TpmRsaKeyPair Generate(int keyLength) => _rsa.Generate(keyLength);

        public ITpmRsaPrivateKey? Import(ReadOnlySpan<byte> modulus, uint exponent, ReadOnlySpan<byte> prime)
        {
            ITpmRsaPrivateKey? key = fault == RsaFault.Import ? null : _rsa.Import(modulus, exponent, prime);
            return fault == RsaFault.DecryptsAnything ? new CredulousKey(key!) : key;
        }

        public bool PublicOperation(ReadOnlySpan<byte> modulus, uint exponent, ReadOnlySpan<byte> input, Span<byte> output)
        {
            bool done = _rsa.PublicOperation(modulus, exponent, input, output);
            if (fault == RsaFault.Public) output[^1] ^= 1;
            return done;
        }

        public bool EncryptOaep(ReadOnlySpan<byte> modulus, uint exponent, ReadOnlySpan<byte> message, ReadOnlySpan<byte> label, Span<byte> output)
        {
            bool done = _rsa.EncryptOaep(modulus, exponent, message, label, output);
            if (fault == RsaFault.Encrypt) output[^1] ^= 1;
            return done;
        }
    }

    private sealed class CredulousKey(ITpmRsaPrivateKey key) : ITpmRsaPrivateKey
    {
        public int Size => key.Size;

        public bool PrivateOperation(ReadOnlySpan<byte> input, Span<byte> output) => key.PrivateOperation(input, output);

        public bool DecryptOaep(ReadOnlySpan<byte> input, ReadOnlySpan<byte> label, Span<byte> output, out int length)
        {
            "abc"u8.CopyTo(output);
            length = 3;
            return true;
        }

        public bool DecryptPkcs1(ReadOnlySpan<byte> input, Span<byte> output, out int length) => key.DecryptPkcs1(input, output, out length);
    }
}
