using System.Security.Cryptography;
using Vtpm.Engine;
using Vtpm.Transports;

namespace Vtpm.Instance;

/// <summary>Folds random bytes of the hardware TPM into the vTPM's generator: at start, and again after as many bytes as it has handed out.</summary>
public sealed class HardwareEntropy(ManagerLink manager, ITpmRandom random, Action<string> log) : ITpmRandom
{
    private const int BytesEachTime = 64;
    private const int BytesBetween = 1 << 20;

    private int _left;

    public void Fill(Span<byte> destination)
    {
        random.Fill(destination);
        _left -= destination.Length;
    }

    public void Stir(ReadOnlySpan<byte> entropy) => random.Stir(entropy);

    /// <summary>Asks for entropy when it is time; between commands, for it may take the hardware a moment.</summary>
    /// <remarks>A hardware TPM that does not answer makes the generator no worse than the system's.</remarks>
    public void Refresh()
    {
        if (_left > 0) return;
        _left = BytesBetween;
        try
        {
            byte[] entropy = manager.GetRandom(BytesEachTime);
            random.Stir(entropy);
            CryptographicOperations.ZeroMemory(entropy);
        }
        catch (Exception exception) when (exception is TpmTransportException or ManagerErrorException)
        {
            log($"no random bytes from the hardware TPM: {exception.Message}; going on with the system's alone");
        }
    }
}
