using Vtpm.Storage;

namespace Vtpm.Instance;

/// <summary>A state file on its own, unencrypted: for the stand-in hardware.</summary>
public sealed class FileStateStore(StateFile file) : IStateStore
{
    public void Save(ReadOnlySpan<byte> state)
    {
        try
        {
            file.Save(state);
        }
        catch (StorageException exception)
        {
            throw new StateNotSavedException($"the TPM's state was not saved: {exception.Message}", isTransient: false, exception);
        }
    }
}
