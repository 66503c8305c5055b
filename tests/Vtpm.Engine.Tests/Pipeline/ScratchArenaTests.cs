using System.Runtime.CompilerServices;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Pipeline;

/// <summary>The memory for the secrets of one command.</summary>
public class ScratchArenaTests
{
    [Fact]
    public void Keep_SecretOfWhichOnlyASpanIsLeft_IsZeroedNoSoonerThanTheArenaIsCleared()
    {
        var arena = new ScratchArena();
        ReadOnlySpan<byte> bytes = BytesOfASecret(arena);
        Collect();
        Assert.Equal(TestTpm.NvAuth, bytes.ToArray());
        arena.Clear();
        Collect();
        Assert.False(bytes.ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void Clear_Array_IsZeroed()
    {
        var arena = new ScratchArena();
        byte[] array = arena.Allocate(20);
        TestTpm.NvAuth.CopyTo(array, 0);
        arena.Clear();
        Assert.Equal(new byte[20], array);
    }

    [Fact]
    public void Requests_WhoseDataMayBeASecretInTheClear_AreReadIntoScratch()
    {
        IEnumerable<TpmCommand> commands = CommandTable.Create(TestTpm.EveryCommand).Commands;
        IEnumerable<TpmOrdinal> secret = commands.Where(command => command.Traits.SecretRequest).Select(command => command.Traits.Ordinal);
        Assert.Equal(
            [
                TpmOrdinal.Seal, TpmOrdinal.DelegateLoadOwnerDelegation, TpmOrdinal.NvWriteValue, TpmOrdinal.NvWriteValueAuth, TpmOrdinal.EstablishTransport,
                TpmOrdinal.ExecuteTransport,
            ],
            secret);
    }

    /// <summary>In a frame of its own, so that nothing but the arena holds the secret afterwards.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ReadOnlySpan<byte> BytesOfASecret(ScratchArena arena) => arena.Keep(new Secret(TestTpm.NvAuth)).Span;

    private static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }
}
