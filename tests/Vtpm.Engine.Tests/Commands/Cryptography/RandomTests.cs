using Vtpm.Crypto;
using Vtpm.Engine.Commands.Cryptography;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Cryptography;

/// <summary>TPM_GetRandom and TPM_StirRandom.</summary>
public class RandomTests
{
    private readonly TestTpm _tpm = new();

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(128, 128)]
    [InlineData(4074, 4074)]
    [InlineData(4075, 4074)]
    [InlineData(uint.MaxValue, 4074)]
    public void GetRandom_Actions1And2_BytesRequested_AsManyAsFitAResponse(uint requested, int expected) =>
        Assert.Equal(expected, _tpm.Send(new GetRandom(), new GetRandomRequest { BytesRequested = requested }).RandomBytes.Length);

    [Fact]
    public void GetRandom_Action3_Again_GivesOtherBytes()
    {
        byte[] first = _tpm.Send(new GetRandom(), new GetRandomRequest { BytesRequested = 32 }).RandomBytes.ToArray();
        byte[] second = _tpm.Send(new GetRandom(), new GetRandomRequest { BytesRequested = 32 }).RandomBytes.ToArray();
        Assert.NotEqual(first, second);
        Assert.NotEqual(new byte[32], first);
    }

    [Theory]
    [InlineData(0, TpmResult.Success)]
    [InlineData(255, TpmResult.Success)]
    [InlineData(256, TpmResult.BadParameter)]
    public void StirRandom_Action1_TakesLessThan256Bytes(int length, TpmResult expected) =>
        Assert.Equal(expected, _tpm.ResultOf(new StirRandom(), new StirRandomRequest { InData = new byte[length] }));

    [Fact]
    public void StirRandom_Action2_Bytes_ReachTheGenerator()
    {
        var random = new RecordingRandom();
        var engine = new Tpm12(new TpmPlatform(random, new ManualTime(), new FixedRsa(), new OpenSslArithmetic(), TpmProfile.Xen));
        TpmState state = engine.PowerOn(engine.Manufacture());
        byte[] response = new byte[Tpm12.MaxResponseSize];
        state = engine.Execute(state, Convert.FromHexString("00c10000000c000000990001"), 0, response, out _);
        engine.Execute(state, Convert.FromHexString("00c1000000110000004700000003010203"), 0, response, out _);
        Assert.Equal(TpmResult.Success, TestTpm.ResultOf(response));
        Assert.Equal([1, 2, 3], random.Stirred);
    }

    private sealed class RecordingRandom : ITpmRandom
    {
        public byte[] Stirred { get; private set; } = [];

        public void Fill(Span<byte> destination) => new SeededRandom().Fill(destination);

        public void Stir(ReadOnlySpan<byte> entropy) => Stirred = entropy.ToArray();
    }
}
