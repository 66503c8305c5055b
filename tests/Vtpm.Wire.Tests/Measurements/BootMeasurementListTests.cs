using System.Collections.Immutable;

namespace Vtpm.Wire.Tests;

public sealed class BootMeasurementListTests
{
    private const string Abc = "a9993e364706816aba3e25717850c26c9cd0d89d";
    private const string Nothing = "da39a3ee5e6b4b0d3255bfef95601890afd80709";

    [Fact]
    public void Format_ThenParse_KeepsOrderAndDigests()
    {
        BootMeasurement[] boot = [new(4, TpmDigest.Of("abc"u8)), new(5, TpmDigest.Of([])), new(5, TpmDigest.Of("abc"u8)), new(15, default)];
        string text = BootMeasurementList.Format(boot);
        Assert.Equal($"4:{Abc},5:{Nothing},5:{Abc},15:{new string('0', 40)}", text);
        Assert.True(BootMeasurementList.TryParse(text, out ImmutableArray<BootMeasurement> read));
        Assert.Equal(boot, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("4")]
    [InlineData("4:")]
    [InlineData($"4:{Abc},")]
    [InlineData($",4:{Abc}")]
    [InlineData($"4:{Abc}00")]
    [InlineData($"4:{Abc}, 5:{Abc}")]
    [InlineData($"-4:{Abc}")]
    [InlineData($"16:{Abc}")]
    [InlineData($"004:{Abc}")]
    [InlineData("4:a9993e364706816aba3e25717850c26c9cd0d89g")]
    public void Parse_OfAnotherForm_IsRefused(string text)
    {
        Assert.False(BootMeasurementList.TryParse(text, out ImmutableArray<BootMeasurement> read));
        Assert.Empty(read);
    }

    [Fact]
    public void Parse_OfMoreThanTheBound_IsRefused()
    {
        string[] items = [.. Enumerable.Repeat($"4:{Abc}", BootMeasurementList.MaxCount)];
        Assert.True(BootMeasurementList.TryParse(string.Join(',', items), out _));
        Assert.False(BootMeasurementList.TryParse(string.Join(',', [.. items, $"4:{Abc}"]), out _));
        Assert.False(BootMeasurementList.TryParse(new string(',', 1 << 20), out _));
    }
}
